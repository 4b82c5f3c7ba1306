"""A client of the shop over GraphQL, for all end-to-end tests. A black box: it imports nothing of Souk.

Waiting always has a deadline. Mails and charges are read from the mail sink and the Stripe mock.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Self

import aiohttp
import httpx

from tests.e2e.documents import (
    ADJUST_STOCK,
    CANCEL_ORDER,
    CREATE_ORDER,
    CREATE_PRODUCT,
    LOGIN,
    ORDER,
    ORDER_UPDATED,
    PRODUCT,
    REFUND_PAYMENT,
    REGISTER,
    SEARCH,
    SET_STOCK,
    UPDATE_ORDER_STATUS,
)
from tests.e2e.responses import SECONDS, Response, within

PASSWORD = "SecurePass123!"


class Shop:
    """The gateway, the mails that were sent, and the charges at the payment provider."""

    def __init__(self, gateway: str, mails: str, stripe: str, more: Sequence[str] = ()) -> None:
        """`more`: further replicas of the gateway, used in turn."""
        self.gateway = gateway
        self._gateways = cycle([gateway, *more])
        self._http = httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=100))
        self._mails = mails
        self._stripe = stripe

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def execute(self, document: str, token: str = "", **variables: Any) -> Response:
        """One GraphQL request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.post({"query": document, "variables": variables}, headers)

    async def post(
        self, body: Any, headers: Mapping[str, str] | None = None, *, content: bytes | None = None
    ) -> Response:
        """Any POST to /graphql; `content` is sent unchanged instead of `body` as JSON."""
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        kwargs: dict[str, Any] = {"json": body} if content is None else {"content": content}
        result = await self._http.post(f"{next(self._gateways)}/graphql", headers=all_headers, **kwargs)
        body = result.json()
        return Response(result.status_code, body.get("data"), tuple(body.get("errors", ())))

    async def register(self, name: str = "John Doe", email: str = "") -> Person:
        """A new customer."""
        email = email or f"john.{secrets.token_hex(6)}@example.com"
        fields = {"name": name, "email": email, "password": PASSWORD}
        payload = (await self.execute(REGISTER, input=fields)).get("register")
        return Person(self, payload["account"]["id"], email, payload["accessToken"])

    async def login(self, email: str, password: str) -> Person:
        """An existing account."""
        payload = (await self.execute(LOGIN, input={"email": email, "password": password})).get("login")
        return Person(self, payload["account"]["id"], email, payload["accessToken"])

    async def admin(self) -> Person:
        """The development stack's ADMIN."""
        return await self.login("admin@souk.test", "AdminPass123!")

    async def search(self, text: str) -> list[str]:
        """Ids of products, best first."""
        return [node["id"] for node in (await self.execute(SEARCH, query=text)).get("products")["nodes"]]

    async def mails_to(self, address: str) -> list[Mail]:
        """The mails to an address, oldest first; from the counting sink or maildev."""
        response = await self._http.get(f"{self._mails}/mails", params={"to": address})
        if response.status_code == 200:
            mails = [Mail(m["id"], m["to"], m["subject"], m["text"]) for m in response.json()]
        else:
            listed = (await self._http.get(f"{self._mails}/api/email")).raise_for_status().json()
            mails = [
                Mail(m["headers"]["message-id"], [to["address"] for to in m["to"]], m["subject"], m["text"])
                for m in listed
            ]
        return [mail for mail in mails if address in mail.to]

    async def inject_provider_fault(self, **fault: Any) -> None:
        """Makes the payment provider fail (dev.stripe_mock.faults)."""
        (await self._http.post(f"{self._stripe}/mock/faults", json=fault)).raise_for_status()

    async def charges(self, order_id: str) -> list[Mapping[str, Any]]:
        """The provider's payment intents of an order."""
        response = (await self._http.get(f"{self._stripe}/mock/payment_intents")).raise_for_status()
        return [
            intent for intent in response.json()["data"] if intent["metadata"].get("order_id") == order_id
        ]

    async def ask_provider(self, method: str, path: str, **options: Any) -> Any:
        """What the provider answers to a page, errors too."""
        return (await self._http.request(method, self._stripe + path, **options)).json()

    async def net_captured(self, order_id: str) -> list[int]:
        """Captured minus refunded, in minor units, for each payment intent of an order."""
        amounts = []
        for intent in await self.charges(order_id):
            response = await self._http.get(
                f"{self._stripe}/v1/refunds",
                params={"payment_intent": intent["id"]},
                headers={"Authorization": "Bearer sk_test_tests"},
            )
            refunded = sum(refund["amount"] for refund in response.raise_for_status().json()["data"])
            amounts.append(intent["amount_received"] - refunded)
        return amounts


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was sent; `id`: its Message-ID."""

    id: str
    to: list[str]
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """A logged-in user."""

    shop: Shop
    id: str
    email: str
    token: str

    async def execute(self, document: str, **variables: Any) -> Response:
        """One GraphQL request with their token."""
        return await self.shop.execute(document, self.token, **variables)

    async def create_product(self, name: str = "", price: str = "999.99", **fields: Any) -> str:
        """ADMIN: a new product's id."""
        product = {
            "name": name or f"Thing {secrets.token_hex(4)}",
            "description": "A thing",
            "price": price,
            **fields,
        }
        created: str = (await self.execute(CREATE_PRODUCT, input=product)).get("createProduct")["id"]
        return created

    async def stock(self, product_id: str) -> int:
        """ADMIN: free stock."""
        stock: int = (await self.execute(PRODUCT, id=product_id)).get("product")["stock"]
        return stock

    async def buy(self, *products: tuple[str, int] | str, **fields: Any) -> Mapping[str, Any]:
        """Places an order of products, each with its quantity, by default 1; `card`: the payment method, `key`: the idempotency key."""
        order: Mapping[str, Any] = (await self.try_to_buy(*products, **fields)).get("createOrder")
        return order

    async def try_to_buy(
        self, *products: tuple[str, int] | str, card: str = "", key: str = "", **fields: Any
    ) -> Response:
        """As `buy`, but returns the response even if it has errors."""
        lines = [(product, 1) if isinstance(product, str) else product for product in products]
        order = {"products": [{"id": product, "quantity": quantity} for product, quantity in lines], **fields}
        order |= {"paymentMethod": card} if card else {}
        order |= {"idempotencyKey": key} if key else {}
        return await self.execute(CREATE_ORDER, input=order)

    async def buy_until_answered(
        self, *products: tuple[str, int] | str, seconds: float = 90, key: str = "", **fields: Any
    ) -> str:
        """Places an order and repeats it under the same key until it succeeds, as a client does; returns its id."""
        key = key or secrets.token_hex(8)

        async def place() -> str:
            return str((await self.buy(*products, key=key, **fields))["id"])

        return await within(seconds, place, "the order")

    async def cancel(self, order_id: str, reason: str = "") -> Response:
        """Cancels an order."""
        return await self.execute(CANCEL_ORDER, id=order_id, reason=reason)

    async def update_status(self, order_id: str, status: str, **notes: str) -> Response:
        """ADMIN: SHIPPED or DELIVERED."""
        return await self.execute(UPDATE_ORDER_STATUS, id=order_id, status=status, **notes)

    async def adjust_stock(self, product_id: str, delta: int, key: str = "") -> Response:
        """ADMIN: adds `delta`, which may be negative."""
        return await self.execute(ADJUST_STOCK, id=product_id, delta=delta, key=key or secrets.token_hex(8))

    async def set_stock(self, product_id: str, stock: int | None, **fields: Any) -> Response:
        """ADMIN: sets the stock; None stops tracking it."""
        return await self.execute(SET_STOCK, id=product_id, stock=stock, **fields)

    async def refund(
        self, payment_id: str, amount: str | None = None, key: str = "", **fields: Any
    ) -> Response:
        """ADMIN: refunds a payment; all of it by default."""
        key = key or secrets.token_hex(8)
        return await self.execute(REFUND_PAYMENT, paymentId=payment_id, amount=amount, key=key, **fields)

    @asynccontextmanager
    async def subscribe(self, order_id: str) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
        """The order after every change, over graphql-transport-ws."""
        url = f"{self.shop.gateway.replace('http', 'ws', 1)}/graphql"
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(url, protocols=("graphql-transport-ws",)) as socket,
        ):
            payload = {"Authorization": f"Bearer {self.token}"}
            await socket.send_json({"type": "connection_init", "payload": payload})
            assert (await socket.receive_json(timeout=SECONDS))["type"] == "connection_ack"
            request = {"query": ORDER_UPDATED, "variables": {"id": order_id}}
            await socket.send_json({"type": "subscribe", "id": "1", "payload": request})

            async def updates() -> AsyncIterator[Mapping[str, Any]]:
                while True:
                    message = await socket.receive_json(timeout=SECONDS)
                    assert message["type"] == "next", message
                    yield message["payload"]["data"]["orderUpdated"]

            yield updates()

    @asynccontextmanager
    async def subscribe_sse(self, order_id: str) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
        """The order after every change, over Server-Sent Events, until the gateway closes the stream."""
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "text/event-stream"}
        request = {"query": ORDER_UPDATED, "variables": {"id": order_id}}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(f"{self.shop.gateway}/graphql", json=request) as response,
        ):
            assert (response.status, response.content_type) == (200, "text/event-stream")

            async def updates() -> AsyncIterator[Mapping[str, Any]]:
                async for line in response.content:
                    if line.startswith(b"data: "):
                        yield json.loads(line.removeprefix(b"data: "))["data"]["orderUpdated"]

            yield updates()

    async def order(self, order_id: str) -> Mapping[str, Any]:
        """The current order."""
        order: Mapping[str, Any] = (await self.execute(ORDER, id=order_id)).get("order")
        return order

    async def wait_for_status(
        self, order_id: str, status: str, seconds: float = SECONDS
    ) -> Mapping[str, Any]:
        """Waits until an order has a status, and returns the order."""

        async def reached() -> Mapping[str, Any] | None:
            order = await self.order(order_id)
            return order if order["status"] == status else None

        return await within(seconds, reached, f"{order_id} {status}")

    async def wait_for_mail(self, subject: str, about: str = "", seconds: float = SECONDS) -> list[Mail]:
        """Waits for mails with this subject and text, and returns them."""

        async def arrived() -> list[Mail]:
            mails = await self.shop.mails_to(self.email)
            return [mail for mail in mails if subject in mail.subject and about in mail.text]

        return await within(seconds, arrived, f'a mail "{subject}" to {self.email} about {about}')
