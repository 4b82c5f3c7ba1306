"""Requests in the background of a drill: alerts on shares and latencies need some."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import httpx

from tests.e2e.shop import Person, Shop

_ORDERS = "{ me { orders(first: 1) { nodes { id status } } } }"


class Traffic:
    """Repeats requests until the block ends; what fails is what the drill is about, and is ignored."""

    def __init__(self, shop: Shop, admin: Person, buyer: Person, product: str) -> None:
        self.shop, self.admin, self.buyer, self.product = shop, admin, buyer, product

    @classmethod
    async def create(cls, shop: Shop) -> Traffic:
        """A buyer and a product with enough stock."""
        admin = await shop.admin()
        return cls(shop, admin, await shop.register(), await admin.create_product(stock=100_000))

    async def read(self) -> None:
        """The buyer's orders."""
        await self.buyer.execute(_ORDERS)

    async def order(self) -> None:
        """An order, paid at once."""
        await self.buyer.try_to_buy(self.product)

    async def search(self) -> None:
        """A search that no cache has."""
        await self.shop.search(secrets.token_hex(4))

    async def guess(self) -> None:
        """A login with a wrong password."""
        with suppress(AssertionError):
            await self.shop.login(self.buyer.email, "WrongPass123!")

    @asynccontextmanager
    async def repeated(
        self, *requests: Callable[[], Awaitable[None]], pause: float = 0.3
    ) -> AsyncIterator[None]:
        """Each of these requests again and again."""
        tasks = [asyncio.create_task(_repeat(request, pause)) for request in requests]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(request: Callable[[], Awaitable[None]], pause: float) -> None:
    while True:
        with suppress(AssertionError, httpx.HTTPError, ValueError):
            await request()
        await asyncio.sleep(pause)
