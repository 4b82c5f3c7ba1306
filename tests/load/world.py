"""What the load generator needs of a shop: users, products with ample stock, the catalogue, and carts to check out."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tests.e2e.responses import within
from tests.e2e.shop import PASSWORD, Person, Shop

T = TypeVar("T")

_STOCK = 1_000_000
_QUERIES = ["laptop", "phone", "chair", "lamp", "shoe", "watch", "desk", "kettle", "bag", "camera"]
# More would only wait for password hashes, and the account service rejects those that would wait too long.
_AT_ONCE = 4
# A stack that has just started on a busy machine answers some requests too late.
_SECONDS = 300.0
_ADD = "mutation($lines: [OrderProductInput!]!) { addToCart(lines: $lines) { id version total } }"
_CATALOGUE = """
query($after: String) { products(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }
"""


@dataclass(frozen=True)
class World:
    """`users` read, log in and have carts; `buyers` only check out carts, one each at a time; `shoppers` place orders in turn."""

    users: Sequence[Person]
    buyers: Sequence[Person]
    shoppers: Sequence[Person]
    products: Sequence[str]
    catalogue: Sequence[str]
    queries: Sequence[str]
    carts: Sequence[Mapping[str, Any]] = ()

    @classmethod
    async def prepare(cls, shop: Shop, *, users: int, buyers: int, products: int, shoppers: int) -> "World":
        """New accounts and products; the catalogue is what the stack had before."""
        catalogue = await within(_SECONDS, partial(_catalogue, shop), "the catalogue")
        people = await _concurrently([shop.register] * (users + buyers + shoppers))
        admin = await within(_SECONDS, shop.admin, "the login of the ADMIN")
        created = await _concurrently(
            [partial(admin.create_product, price=f"{9 + n}.99", stock=_STOCK) for n in range(products)]
        )
        # A small catalogue has none of some.
        queries = [query for query in _QUERIES if await shop.search(query)]
        first_shopper = users + buyers
        return cls(
            people[:users],
            people[users:first_shopper],
            people[first_shopper:],
            created,
            catalogue,
            queries,
        )

    async def with_carts(self, shop: Shop) -> "World":
        """A cart of two lines for every buyer, ready to be checked out."""
        carts = [
            partial(self._fill, shop, buyer, self._two_products(n)) for n, buyer in enumerate(self.buyers)
        ]
        return replace(self, carts=await _concurrently(carts))

    def write(self, path: Path) -> None:
        """For shop.js."""
        content = {
            "tokens": [user.token for user in self.users],
            "shoppers": [shopper.token for shopper in self.shoppers],
            "emails": [user.email for user in self.users],
            "password": PASSWORD,
            "products": self.products,
            "catalogue": self.catalogue,
            "queries": self.queries,
            "carts": self.carts,
        }
        path.write_text(json.dumps(content))

    def _two_products(self, n: int) -> tuple[str, str]:
        count = len(self.products)
        return self.products[n % count], self.products[(n + 1 + n // count) % count]

    async def _fill(self, shop: Shop, buyer: Person, products: tuple[str, str]) -> Mapping[str, Any]:
        first, second = products
        lines = [{"id": first, "quantity": 1}, {"id": second, "quantity": 2}]
        cart = (await shop.execute(_ADD, buyer.token, lines=lines)).get("addToCart")
        shown = {"cartId": cart["id"], "version": cart["version"], "expectedTotal": cart["total"]}
        return {"token": buyer.token, "input": shown}


async def _catalogue(shop: Shop) -> list[str]:
    ids: list[str] = []
    after = None
    while True:
        page = (await shop.execute(_CATALOGUE, after=after)).get("products")
        ids += [node["id"] for node in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"] or len(ids) >= 1000:
            return ids[:1000]
        after = page["pageInfo"]["endCursor"]


async def _concurrently(calls: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """The results in order."""
    semaphore = asyncio.Semaphore(_AT_ONCE)

    async def bounded(call: Callable[[], Awaitable[T]]) -> T:
        async with semaphore:
            return await within(_SECONDS, call, "preparing the shop")

    return await asyncio.gather(*map(bounded, calls))
