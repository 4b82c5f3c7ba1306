"""A search index of a test's own in a real Elasticsearch, with results cached in a real Redis."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from souk.catalog.v1 import product_service_pb2 as pb

from catalog.categories.domain import Category
from catalog.indexing.definition import DEFINITION
from catalog.indexing.domain import IndexRow
from catalog.indexing.index import ProductIndex
from catalog.products.domain import Product
from catalog.products.messages import decode_product
from catalog.products.tests.fakes import draft
from catalog.search.domain import Criteria, Facet, FacetValue, SearchResult, Sort
from catalog.search.index import ElasticsearchIndexReader
from kit.cache import Cache
from kit.search import SearchIndex
from kit.testing import Elasticsearch, FakeClock, Redis
from kit.testing.fixtures import elasticsearch, redis

__all__ = ["ANYTHING", "Index", "decode_page", "elasticsearch", "index", "redis"]

ANYTHING = Criteria("", None, None, None, None, Sort.RELEVANCE, 20, "", False)


@dataclass
class Index:
    """Tests write products directly, without an indexer."""

    writer: ProductIndex
    reader: ElasticsearchIndexReader
    clock: FakeClock

    async def add(
        self, name: str, description: str = "", *, available: bool = True, **fields: Any
    ) -> Product:
        product = self.product(name, description, **fields)
        await self.write(product, available=available)
        return product

    def product(self, name: str, description: str = "", *, category: str = "", **fields: Any) -> Product:
        new = replace(draft(name, **fields), description=description)
        product, _ = Product.create(new, Category.from_name(category) if category else None, self.clock.now)
        self.clock.advance(seconds=1)
        return product

    async def write(self, *products: Product, available: bool = True) -> None:
        await self.writer.write([IndexRow(product, True, available) for product in products])
        await self.writer.refresh()

    async def delete(self, product: Product) -> None:
        await self.writer.write([IndexRow(product, False, False)])
        await self.writer.refresh()

    async def search(self, query: str = "", **criteria: Any) -> SearchResult:
        return decode_page(await self.reader.search(replace(ANYTHING, query=query, **criteria)))

    async def names(self, query: str = "", **criteria: Any) -> list[str]:
        return [product.name for product, _ in (await self.search(query, **criteria)).hits]

    async def pages(self, query: str = "", **criteria: Any) -> list[list[str]]:
        """The names on each page up to the last."""
        pages, result = [], await self.search(query, **criteria)
        while True:
            pages.append([product.name for product, _ in result.hits])
            if not result.has_next:
                return pages
            result = await self.search(query, **{**criteria, "after": result.hits[-1][1]})


@pytest.fixture
async def index(elasticsearch: Elasticsearch, redis: Redis) -> AsyncIterator[Index]:
    alias = f"products-{uuid4().hex}"
    search, cache = SearchIndex(elasticsearch.url(), alias, DEFINITION), Cache(redis.url(), alias)
    # Longer than any test: only a new generation invalidates a result.
    reader = ElasticsearchIndexReader(search, cache, lifetime=timedelta(minutes=10))
    yield Index(ProductIndex(search, cache), reader, FakeClock())
    await search.close()
    await cache.close()


def decode_page(encoded: bytes) -> SearchResult:
    """The inverse of `messages.encode_page`."""
    page = pb.SearchProductsResponse.FromString(encoded)
    return SearchResult(
        hits=tuple((decode_product(hit.product.SerializeToString()), hit.cursor) for hit in page.hits),
        has_next=page.has_next_page,
        total=page.total_count if page.HasField("total_count") else None,
        facets=tuple(
            Facet(facet.name, tuple(FacetValue(value.value, value.count) for value in facet.values))
            for facet in page.facets
        ),
        highlights=tuple(hit.highlight for hit in page.hits if hit.highlight),
    )


def deleted(product: Product) -> Product:
    return replace(product, version=product.version + 1)
