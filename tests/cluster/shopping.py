"""Traffic of tests/upgrade on a cluster: the accounts, products and orders that it needs, and a change while it runs."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any, Final

from tests.e2e.responses import Response, within
from tests.e2e.shop import PASSWORD, Person, Shop
from tests.upgrade.traffic import PRICE, STOCK, Traffic

# A page of each list, of which the traffic expects a full one.
_PAGE: Final = 20
_SHOPPERS: Final = 2
# Few enough for the limit of an account's failed payments within an hour.
_CANCEL_EVERY: Final = 10
_BEFORE_AND_AFTER_SECONDS: Final = 5
_INDEXED_SECONDS: Final = 60


class ProxiedShop(Shop):
    """Requests as a proxy passes them on, each from another network: limits per network are for a single client."""

    async def post(
        self, body: Any, headers: Mapping[str, str] | None = None, *, content: bytes | None = None
    ) -> Response:
        address = str(IPv4Address(random.getrandbits(32)))
        return await super().post(body, {**(headers or {}), "X-Forwarded-For": address}, content=content)


@dataclass
class SignedInTraffic(Traffic):
    """Traffic of people who stay signed in: services hash passwords only while a processor is idle, and during a change none is.

    The first of `people` is an ADMIN.
    """

    people: Sequence[Person] = field(default_factory=list)

    async def prepare(self) -> None:
        self.product = await self.people[0].create_product(price=PRICE, stock=STOCK)

    async def run(self, shoppers: int) -> None:
        admin, *others = self.people
        await asyncio.gather(self._sell(admin), *(self._shop(person) for person in others[:shoppers]))

    async def _sell(self, admin: Person) -> None:
        while not self._stopped.is_set():
            await self._change_products(admin)
            await self._list(admin)

    async def _shop(self, person: Person) -> None:
        number = 0
        while not self._stopped.is_set():
            number += 1
            await self._read(person)
            await self._order(person, cancel=number % _CANCEL_EVERY == 0)


@dataclass
class People:
    """Those who shop in a cluster. Each traffic has other shoppers, because the orders that an account may cancel are limited."""

    admin: Person
    shoppers: list[Person]

    async def next(self) -> list[Person]:
        """The ADMIN and the next shoppers, with new access tokens."""
        chosen = [self.admin, *(self.shoppers.pop(0) for _ in range(_SHOPPERS))]
        return [await person.shop.login(person.email, PASSWORD) for person in chosen]


async def prepare(shop: Shop, admin: Person) -> People:
    """Creates a page of products, accounts and orders."""
    products = [await admin.create_product(f"Laptop {number}", stock=1000) for number in range(_PAGE)]
    people = []
    for number in range(_PAGE):
        people.append(await shop.register(f"Ada {number}", f"ada.{secrets.token_hex(6)}@example.com"))
        await people[number].buy(products[number])

    async def are_indexed() -> bool:
        return len(await shop.search("laptop")) >= _PAGE

    await within(_INDEXED_SECONDS, are_indexed, "all products in the search")
    return People(admin, people)


@asynccontextmanager
async def shopping(people: People) -> AsyncIterator[Traffic]:
    """Traffic while the block runs; fails if a request fails, or if there were none."""
    chosen = await people.next()
    traffic = SignedInTraffic(
        chosen[0].shop, [person.email for person in chosen], card="pm_card_visa", people=chosen
    )
    await traffic.prepare()
    running = asyncio.create_task(traffic.run(_SHOPPERS))
    try:
        with traffic.during("before"):
            await asyncio.sleep(_BEFORE_AND_AFTER_SECONDS)
        yield traffic
        with traffic.during("after"):
            await asyncio.sleep(_BEFORE_AND_AFTER_SECONDS)
    finally:
        traffic.stop()
        await running
        print(f"\n{traffic.figures}", flush=True)
    assert traffic.figures.requests
    assert not traffic.figures.failures
