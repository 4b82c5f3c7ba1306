"""Shoppers and an ADMIN who use the shop while it is upgraded. No request is repeated, and each response is checked."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, TypeVar

from tests.e2e.shop import PASSWORD, Person, Shop
from tests.upgrade.figures import Figures, Request

T = TypeVar("T")
STOCK: Final = 1_000_000
PRICE: Final = "12.34"
_PAUSE_SECONDS: Final = 0.3
_PAGE: Final = 20
_ORDERS = """
query Orders($account: ID, $first: Int, $after: String) {
  orders(accountId: $account, first: $first, after: $after) {
    nodes { id accountId status totalPrice lines { quantity } payment { status } }
    pageInfo { endCursor hasNextPage }
  }
}
"""
_NUMBER = "query Order($id: ID!) { order(id: $id) { number } }"
_ME = "query { me { id email } }"
_ACCOUNTS = 'query { accounts(query: "ada", first: 20) { nodes { id name } totalCount } }'
_SEARCH = """
query { products(query: "laptop", first: 20) { nodes { id name price available } totalCount } }
"""
_PRODUCTS = "query { products(first: 20) { nodes { id name price available } } }"
_PRODUCT = "query Product($id: ID!) { product(id: $id) { id name price available category { name } } }"
_UPDATE = """
mutation Update($id: ID!, $input: UpdateProductInput!) { updateProduct(id: $id, input: $input) { id description price } }
"""


@dataclass(frozen=True, slots=True)
class Order:
    """An order that was placed, and how much of `Traffic.product` it has."""

    id: str
    cancelled: bool


@dataclass
class Traffic:
    """The requests of a run; `accounts` are emails of accounts that the old version has filled, with orders and the password PASSWORD.

    The first of them is an ADMIN. `phase` is what is being done to the stack, `card` the payment method, if not the default.
    """

    shop: Shop
    accounts: list[str]
    figures: Figures = field(default_factory=Figures)
    orders: list[Order] = field(default_factory=list)
    product: str = ""
    card: str = ""
    phase: str = "start"
    _stopped: asyncio.Event = field(default_factory=asyncio.Event)

    async def prepare(self) -> None:
        """Creates the product that is ordered."""
        admin = await self.shop.login(self.accounts[0], PASSWORD)
        self.product = await admin.create_product(price=PRICE, stock=STOCK)

    async def run(self, shoppers: int) -> None:
        """All of them act until `stop`."""
        await asyncio.gather(self._administer(), *(self._buy(number) for number in range(shoppers)))

    def stop(self) -> None:
        """Lets everyone finish the current round."""
        self._stopped.set()

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        """Names what is being done, and measures how long it takes."""
        started, self.phase = time.monotonic(), phase
        try:
            yield
        finally:
            self.figures.phases[phase] = time.monotonic() - started

    async def request(self, operation: str, call: Awaitable[T], check: Callable[[T], object]) -> T | None:
        """The response, or None if it is not what `check` accepts; both are recorded."""
        phase, started = self.phase, time.monotonic()
        result: T | None = None
        try:
            response = await call
            failure = "" if check(response) else f"unexpected response {response}"
            result = None if failure else response
        except Exception as error:  # whatever a client sees
            failure = f"{type(error).__name__}: {error}"
        self.figures.requests.append(Request(operation, phase, time.monotonic() - started, failure))
        if failure:
            print(f"FAILED  {self.figures.requests[-1]}", flush=True)
        await asyncio.sleep(_PAUSE_SECONDS)
        return result

    async def _buy(self, number: int) -> None:
        email = self.accounts[number % len(self.accounts)]
        round_number = number
        while not self._stopped.is_set():
            round_number += 1
            person = await self._login(email)
            if person is None:
                continue
            await self._read(person)
            if round_number % 3 == 0:
                new = await self.request("register", self.shop.register(), lambda new: new.id)
                person = new or person
            await self._order(person, cancel=round_number % 4 == 0)

    async def _read(self, person: Person) -> None:
        await self.request("me", person.execute(_ME), lambda it: it.get("me")["id"] == person.id)
        page = await self.request(
            "orders",
            person.execute(_ORDERS, account=person.id, first=_PAGE),
            lambda it: {order["accountId"] for order in it.get("orders")["nodes"]} == {person.id},
        )
        if page:
            await self._read_orders(person, page.get("orders"))
        hits = await self.request(
            "search", person.execute(_SEARCH), lambda it: len(it.get("products")["nodes"]) == _PAGE
        )
        await self.request(
            "list of products",
            person.execute(_PRODUCTS),
            lambda it: len(it.get("products")["nodes"]) == _PAGE,
        )
        if hits:
            product = hits.get("products")["nodes"][0]
            await self.request(
                "product",
                person.execute(_PRODUCT, id=product["id"]),
                lambda it: it.get("product")["name"] == product["name"],
            )

    async def _read_orders(self, person: Person, page: Mapping[str, Any]) -> None:
        """The next page, and the last order of this one."""
        nodes, info = page["nodes"], page["pageInfo"]
        if info["hasNextPage"]:
            await self.request(
                "orders: next page",
                person.execute(_ORDERS, account=person.id, first=_PAGE, after=info["endCursor"]),
                lambda it: it.get("orders")["nodes"] and it.get("orders")["nodes"][0] not in nodes,
            )
        await self.request("order", person.order(nodes[-1]["id"]), lambda it: it["id"] == nodes[-1]["id"])

    async def _order(self, person: Person, *, cancel: bool) -> None:
        placed = await self.request(
            "createOrder",
            person.buy(self.product, key=secrets.token_hex(8), card=self.card),
            lambda it: it["status"] == "PENDING" and Decimal(it["totalPrice"]) == Decimal(PRICE),
        )
        if placed is None:
            return
        await self.request("order", person.order(placed["id"]), lambda it: it["id"] == placed["id"])
        if cancel:
            await self.request(
                "cancelOrder",
                person.cancel(placed["id"], "changed my mind"),
                lambda it: it.get("cancelOrder")["status"] == "CANCELLED",
            )
        self.orders.append(Order(placed["id"], cancel))

    async def read_numbers(self) -> None:
        """Reads the numbers of orders of both versions, which the older gateway does not know."""
        admin = await self._login(self.accounts[0])
        if admin is None:
            return
        page = (await admin.execute(_ORDERS, account=admin.id, first=_PAGE)).get("orders")["nodes"]
        for order in [node["id"] for node in page] + [order.id for order in self.orders[-_PAGE:]]:
            await self.request(
                "order's number",
                admin.execute(_NUMBER, id=order),
                lambda it: it.get("order")["number"],
            )

    async def _login(self, email: str) -> Person | None:
        return await self.request(
            "login", self.shop.login(email, PASSWORD), lambda person: person.email == email
        )

    async def _administer(self) -> None:
        while not self._stopped.is_set():
            admin = await self._login(self.accounts[0])
            if admin:
                await self._change_products(admin)
                await self._list(admin)

    async def _change_products(self, admin: Person) -> None:
        text = secrets.token_hex(8)
        await self.request(
            "updateProduct",
            admin.execute(_UPDATE, id=self.product, input={"description": text, "price": PRICE}),
            lambda it: it.get("updateProduct")["description"] == text,
        )
        await self.request(
            "adjustStock", admin.adjust_stock(self.product, 1), lambda it: it.get("adjustStock")["id"]
        )
        created = await self.request("createProduct", admin.create_product(stock=5), bool)
        if created:
            await self.request(
                "setStock", admin.set_stock(created, 7), lambda it: it.get("setStock")["stock"] == 7
            )

    async def _list(self, admin: Person) -> None:
        await self.request(
            "orders of all accounts",
            admin.execute(_ORDERS, first=_PAGE),
            lambda it: len(it.get("orders")["nodes"]) == _PAGE,
        )
        await self.request(
            "accounts", admin.execute(_ACCOUNTS), lambda it: len(it.get("accounts")["nodes"]) == _PAGE
        )
