"""The catalog on a real database and a real index."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from elasticsearch import AsyncElasticsearch

from catalog.events import TOPIC
from catalog.indexing.definition import DEFINITION
from catalog.indexing.index import ProductIndex
from catalog.indexing.indexer import Indexer
from catalog.indexing.reindexing import Reindexer
from catalog.indexing.store import PostgresIndexSource
from catalog.products.domain import Changes, Product
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import FakeCache, FakeProductStore, draft
from catalog.products.use_cases import Products
from catalog.search.index import ElasticsearchIndexReader
from catalog.stock.domain import StockOverride
from catalog.stock.store import PostgresStockStore
from catalog.stock.use_cases import Stock
from catalog.tests.indexed import ANYTHING, decode_page
from kit.cache import Cache
from kit.db import Database
from kit.search import SearchIndex
from kit.testing import Elasticsearch, Redis
from kit.testing.fixtures import database_url, elasticsearch, postgres, redis
from kit.testing.migrated import migrated
from kit.testing.principals import admin
from kit.values import utc_now

__all__ = ["database_url", "elasticsearch", "postgres", "redis"]

GRACE = timedelta(seconds=0.5)


@dataclass
class Shop:
    """The catalog on a real database and index; tests call the indexer themselves."""

    products: Products
    stock: Stock
    source: PostgresIndexSource
    index: ProductIndex
    searches: ElasticsearchIndexReader
    indexer: Indexer
    reindexer: Reindexer
    client: AsyncElasticsearch
    alias: str
    db: Database
    search: SearchIndex
    cache: Cache

    def __post_init__(self) -> None:
        self.admin = admin()

    async def make(self, name: str = "Mug", *, stock: int | None = None) -> UUID:
        return (await self.products.create(self.admin, draft(name, stock=stock))).product.id

    async def make_many(self, count: int) -> list[UUID]:
        return [await self.make(f"Mug {number}") for number in range(count)]

    async def rename(self, product_id: UUID, name: str) -> None:
        await self.products.update(self.admin, product_id, Changes.parse(name=name), expected_version=None)

    async def delete(self, product_id: UUID) -> None:
        await self.products.delete(self.admin, product_id)

    async def set_stock(self, product_id: UUID, stock: int | None) -> None:
        await self.stock.override(self.admin, StockOverride.parse(product_id, stock, None, ""))

    async def reindex(self, *ids: UUID) -> None:
        await self.indexer.reindex(dict.fromkeys(ids, utc_now()))

    async def search_all(self) -> dict[UUID, Product]:
        result = decode_page(await self.searches.search(replace(ANYTHING, size=100)))
        return {product.id: product for product, _ in result.hits}

    async def indices(self) -> list[str]:
        return sorted(await self.client.indices.get(index=f"{self.alias}-*"))


@pytest.fixture
async def shop(database_url: str, elasticsearch: Elasticsearch, redis: Redis) -> AsyncIterator[Shop]:
    async with migrated(database_url, "catalog", publishes=TOPIC, pool_size=16) as db:
        alias = f"products-{uuid4().hex}"
        search, cache = SearchIndex(elasticsearch.url(), alias, DEFINITION), Cache(redis.url(), alias)
        client = AsyncElasticsearch(elasticsearch.url())
        products, stock = PostgresProductStore(db), PostgresStockStore(db)
        source, index, no_cache = (
            PostgresIndexSource(db),
            ProductIndex(search, cache),
            FakeCache(FakeProductStore()),
        )
        indexer = Indexer(source, index, no_cache, clock=utc_now)
        yield Shop(
            Products(db, products, stock, no_cache, clock=utc_now),
            Stock(db, stock, products, clock=utc_now),
            source,
            index,
            ElasticsearchIndexReader(search, cache, lifetime=timedelta(milliseconds=50)),
            indexer,
            Reindexer(source, index, indexer, clock=utc_now, grace=GRACE),
            client,
            alias,
            db,
            search,
            cache,
        )
        await client.close()
        await search.close()
        await cache.close()
