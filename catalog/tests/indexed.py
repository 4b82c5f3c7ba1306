"""An index of a test's own in a real Elasticsearch, with answers kept in a real Redis; filled by hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from catalog.domain import Category, Product
from catalog.ports import Criteria, Found, Sort
from catalog.search import IndexedProducts
from catalog.search_index import DEFINITION
from catalog.tests.fakes import draft
from kit.cache import Cache
from kit.search import SearchIndex
from kit.testing import Elasticsearch, FakeClock, Redis
from kit.testing.fixtures import elasticsearch, redis

__all__ = ["ANYTHING", "Index", "elasticsearch", "index", "redis"]

ANYTHING = Criteria("", None, None, None, None, Sort.RELEVANCE, 20, "", False)


@dataclass
class Index:
    """An index of a test's own, filled by hand."""

    products: IndexedProducts
    clock: FakeClock

    async def add(
        self, name: str, description: str = "", *, available: bool = True, **fields: Any
    ) -> Product:
        made = self.product(name, description, **fields)
        await self.write((made, True, available))
        return made

    def product(self, name: str, description: str = "", *, category: str = "", **fields: Any) -> Product:
        given = replace(draft(name, **fields), description=description)
        made, _ = Product.create(given, Category.named(category) if category else None, self.clock.now)
        self.clock.advance(seconds=1)
        return made

    async def write(self, *rows: tuple[Product, bool, bool]) -> None:
        await self.products.write(rows)
        await self.products.show()

    async def find(self, query: str = "", **criteria: Any) -> Found:
        return await self.products.find(replace(ANYTHING, query=query, **criteria))

    async def names(self, query: str = "", **criteria: Any) -> list[str]:
        return [product.name for product, _ in (await self.find(query, **criteria)).hits]

    async def pages(self, query: str = "", **criteria: Any) -> list[list[str]]:
        """Reads on until there is no next page."""
        pages, found = [], await self.find(query, **criteria)
        while True:
            pages.append([product.name for product, _ in found.hits])
            if not found.has_next:
                return pages
            found = await self.find(query, **{**criteria, "after": found.hits[-1][1]})


@pytest.fixture
async def index(elasticsearch: Elasticsearch, redis: Redis) -> AsyncIterator[Index]:
    alias = f"products-{uuid4().hex}"
    search, cache = SearchIndex(elasticsearch.url(), alias, DEFINITION), Cache(redis.url(), alias)
    # Longer than any test, so that only a new generation makes a kept answer out of date.
    yield Index(IndexedProducts(search, cache, lifetime=timedelta(minutes=10)), FakeClock())
    await search.close()
    await cache.close()
