"""The verbs of a person at the shop, over GraphQL: what every end-to-end test speaks. Black box: nothing of Souk is imported here.

Everything that takes time is awaited with a deadline. Mails and charges are read from the stand-ins for the outside.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import cycle
from typing import Any, Self, TypeVar

import aiohttp
import httpx

T = TypeVar("T")
PASSWORD = "SecurePass123!"
SECONDS = 20.0
_PAUSE = 0.05

REGISTER = """
mutation Register($input: RegisterInput!) {
  register(input: $input) { account { id name email } accessToken }
}
"""
LOGIN = "mutation Login($input: LoginInput!) { login(input: $input) { account { id } accessToken } }"
CREATE_PRODUCT = """
mutation CreateProduct($input: CreateProductInput!) { createProduct(input: $input) { id name price stock available } }
"""
PRODUCT = "query Product($id: ID!) { product(id: $id) { id name price stock available } }"
SEARCH = "query Search($query: String!) { products(query: $query, first: 20) { nodes { id name } } }"
CREATE_ORDER = """
mutation CreateOrder($input: CreateOrderInput!) {
  createOrder(input: $input) { id totalPrice status accountId lines { productId quantity unitPrice } }
}
"""
ORDER = """
query Order($id: ID!) {
  order(id: $id) {
    id status totalPrice refundedAmount cancelReason statusReason version
    history { status at }
    payment { id status amount failureCode }
  }
}
"""
CANCEL_ORDER = """
mutation Cancel($id: ID!, $reason: String) {
  cancelOrder(id: $id, reason: $reason) { id status cancelReason statusReason }
}
"""
UPDATE_ORDER_STATUS = """
mutation Move($id: ID!, $status: OrderStatus!, $note: String, $internalNote: String) {
  updateOrderStatus(id: $id, status: $status, note: $note, internalNote: $internalNote) {
    id status history { status note internalNote }
  }
}
"""
REFUND_PAYMENT = """
mutation Refund($paymentId: ID!, $amount: Decimal, $reason: String, $key: String!) {
  refundPayment(paymentId: $paymentId, amount: $amount, reason: $reason, idempotencyKey: $key) {
    id status refundedAmount refunds { amount status reason }
  }
}
"""
ADJUST_STOCK = """
mutation Adjust($id: ID!, $delta: Int!, $key: String!) {
  adjustStock(productId: $id, delta: $delta, reason: "counted", idempotencyKey: $key) { id stock available }
}
"""
SET_STOCK = """
mutation Set($id: ID!, $stock: Int, $expected: Int) {
  setStock(productId: $id, stock: $stock, expected: $expected) { id stock available }
}
"""
ORDER_UPDATED = "subscription Updated($id: ID!) { orderUpdated(id: $id) { id status version } }"


@dataclass(frozen=True, slots=True)
class Answer:
    """What /graphql answered, whatever it was."""

    status: int
    data: Mapping[str, Any] | None
    errors: tuple[Mapping[str, Any], ...]

    @property
    def codes(self) -> list[str]:
        """The error codes, in order."""
        return [error["extensions"]["code"] for error in self.errors]

    @property
    def fields(self) -> list[str]:
        """The faulty fields that errors name, e.g. products.0.quantity."""
        return [
            ".".join(map(str, fault["path"]))
            for error in self.errors
            for fault in error["extensions"].get("fields", ())
        ]

    def get(self, name: str) -> Any:
        """A root field's value; raises AssertionError with the errors when there is any."""
        assert not self.errors, self.errors
        assert self.data is not None
        return self.data[name]


class Shop:
    """The gateway, and what reaches the outside: mails and charges."""

    def __init__(self, gateway: str, mails: str, stripe: str, more: Sequence[str] = ()) -> None:
        """`more`: further replicas of the gateway, which take turns."""
        self.gateway = gateway
        self._gateways = cycle([gateway, *more])
        self._http = httpx.AsyncClient(timeout=30, limits=httpx.Limits(max_connections=100))
        self._mails = mails
        self._stripe = stripe

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def ask(self, document: str, token: str = "", **variables: Any) -> Answer:
        """One GraphQL request."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.post({"query": document, "variables": variables}, headers)

    async def post(
        self, body: Any, headers: Mapping[str, str] | None = None, *, content: bytes | None = None
    ) -> Answer:
        """Anything sent to /graphql; `content` instead of `body` is sent as it is."""
        chosen = {"Content-Type": "application/json", **(headers or {})}
        kwargs: dict[str, Any] = {"json": body} if content is None else {"content": content}
        response = await self._http.post(f"{next(self._gateways)}/graphql", headers=chosen, **kwargs)
        answer = response.json()
        return Answer(response.status_code, answer.get("data"), tuple(answer.get("errors", ())))

    async def register(self, name: str = "John Doe", email: str = "") -> Person:
        """A new customer."""
        email = email or f"john.{secrets.token_hex(6)}@example.com"
        wanted = {"name": name, "email": email, "password": PASSWORD}
        payload = (await self.ask(REGISTER, input=wanted)).get("register")
        return Person(self, payload["account"]["id"], email, payload["accessToken"])

    async def login(self, email: str, password: str) -> Person:
        """Somebody who is known already."""
        payload = (await self.ask(LOGIN, input={"email": email, "password": password})).get("login")
        return Person(self, payload["account"]["id"], email, payload["accessToken"])

    async def admin(self) -> Person:
        """The development stack's ADMIN."""
        return await self.login("admin@souk.test", "AdminPass123!")

    async def search(self, text: str) -> list[str]:
        """Ids of products, best first."""
        return [node["id"] for node in (await self.ask(SEARCH, query=text)).get("products")["nodes"]]

    async def mails_to(self, address: str) -> list[Mail]:
        """What the mail sink holds for somebody, oldest first; the counting sink or maildev."""
        response = await self._http.get(f"{self._mails}/mails")
        if response.status_code == 200:
            found = [Mail(m["id"], m["to"], m["subject"], m["text"]) for m in response.json()]
        else:
            listed = (await self._http.get(f"{self._mails}/api/email")).raise_for_status().json()
            found = [
                Mail(m["headers"]["message-id"], [to["address"] for to in m["to"]], m["subject"], m["text"])
                for m in listed
            ]
        return [mail for mail in found if address in mail.to]

    async def provider_fault(self, **wanted: Any) -> None:
        """Lets the payment provider fail (dev.stripe_mock.faults)."""
        (await self._http.post(f"{self._stripe}/mock/faults", json=wanted)).raise_for_status()

    async def charges_of(self, order_id: str) -> list[Mapping[str, Any]]:
        """The payment intents that the provider holds for an order."""
        response = (await self._http.get(f"{self._stripe}/mock/payment_intents")).raise_for_status()
        return [
            intent for intent in response.json()["data"] if intent["metadata"].get("order_id") == order_id
        ]

    async def kept_of(self, order_id: str) -> list[int]:
        """What the provider took for an order and did not give back, for each intent; minor units."""
        kept = []
        for intent in await self.charges_of(order_id):
            answer = await self._http.get(
                f"{self._stripe}/v1/refunds",
                params={"payment_intent": intent["id"]},
                headers={"Authorization": "Bearer sk_test_tests"},
            )
            back = sum(refund["amount"] for refund in answer.raise_for_status().json()["data"])
            kept.append(intent["amount_received"] - back)
        return kept


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail as it was handed over; `id` is its Message-ID."""

    id: str
    to: list[str]
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in."""

    shop: Shop
    id: str
    email: str
    token: str

    async def ask(self, document: str, **variables: Any) -> Answer:
        """One GraphQL request in their name."""
        return await self.shop.ask(document, self.token, **variables)

    async def create_product(self, name: str = "", price: str = "999.99", **fields: Any) -> str:
        """ADMIN: a new product's id."""
        wanted = {
            "name": name or f"Thing {secrets.token_hex(4)}",
            "description": "A thing",
            "price": price,
            **fields,
        }
        created: str = (await self.ask(CREATE_PRODUCT, input=wanted)).get("createProduct")["id"]
        return created

    async def stock(self, product_id: str) -> int:
        """ADMIN: free stock."""
        found: int = (await self.ask(PRODUCT, id=product_id)).get("product")["stock"]
        return found

    async def buy(self, *wanted: tuple[str, int] | str, **fields: Any) -> Mapping[str, Any]:
        """Places an order of products, each with a quantity or once; `card` is the payment method, `key` the idempotency key."""
        order: Mapping[str, Any] = (await self.try_to_buy(*wanted, **fields)).get("createOrder")
        return order

    async def try_to_buy(
        self, *wanted: tuple[str, int] | str, card: str = "", key: str = "", **fields: Any
    ) -> Answer:
        """The same, answering errors too."""
        lines = [(each, 1) if isinstance(each, str) else each for each in wanted]
        order = {"products": [{"id": product, "quantity": quantity} for product, quantity in lines], **fields}
        order |= {"paymentMethod": card} if card else {}
        order |= {"idempotencyKey": key} if key else {}
        return await self.ask(CREATE_ORDER, input=order)

    async def cancel(self, order_id: str, reason: str = "") -> Answer:
        """Cancels an order."""
        return await self.ask(CANCEL_ORDER, id=order_id, reason=reason)

    async def move(self, order_id: str, status: str, **notes: str) -> Answer:
        """ADMIN: SHIPPED or DELIVERED."""
        return await self.ask(UPDATE_ORDER_STATUS, id=order_id, status=status, **notes)

    async def adjust_stock(self, product_id: str, delta: int, key: str = "") -> Answer:
        """ADMIN: so many more, or fewer."""
        return await self.ask(ADJUST_STOCK, id=product_id, delta=delta, key=key or secrets.token_hex(8))

    async def set_stock(self, product_id: str, stock: int | None, **fields: Any) -> Answer:
        """ADMIN: so many, or not counted."""
        return await self.ask(SET_STOCK, id=product_id, stock=stock, **fields)

    async def refund(
        self, payment_id: str, amount: str | None = None, key: str = "", **fields: Any
    ) -> Answer:
        """ADMIN: gives money back."""
        key = key or secrets.token_hex(8)
        return await self.ask(REFUND_PAYMENT, paymentId=payment_id, amount=amount, key=key, **fields)

    @asynccontextmanager
    async def watching(self, order_id: str) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
        """The order after each of its changes, over graphql-transport-ws."""
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
    async def following(self, order_id: str) -> AsyncIterator[AsyncIterator[Mapping[str, Any]]]:
        """The order after each of its changes, over Server-Sent Events; it ends when the gateway does."""
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
        """An order as it is now."""
        found: Mapping[str, Any] = (await self.ask(ORDER, id=order_id)).get("order")
        return found

    async def sees(self, order_id: str, status: str, seconds: float = SECONDS) -> Mapping[str, Any]:
        """Waits until an order has a status, and answers it."""

        async def reached() -> Mapping[str, Any] | None:
            order = await self.order(order_id)
            return order if order["status"] == status else None

        return await within(seconds, reached, f"{order_id} {status}")

    async def gets_mail(self, subject: str, about: str = "", seconds: float = SECONDS) -> list[Mail]:
        """Waits for mails whose subject and text name something, and answers all of them."""

        async def arrived() -> list[Mail]:
            mails = await self.shop.mails_to(self.email)
            return [mail for mail in mails if subject in mail.subject and about in mail.text]

        return await within(seconds, arrived, f'a mail "{subject}" to {self.email} about {about}')


async def within(seconds: float, probe: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Asks until the answer is something; raises AssertionError after so many seconds. Failures in between are asked again."""
    end = time.monotonic() + seconds
    while True:
        try:
            found, seen = await probe(), "nothing"
        except (AssertionError, httpx.TransportError) as error:
            found, seen = None, repr(error)
        if found:
            return found
        assert time.monotonic() < end, f"{what}: not within {seconds} s; last: {seen}"
        await asyncio.sleep(_PAUSE)


def money(text: str) -> Decimal:
    """An amount as the API writes it."""
    return Decimal(text)
