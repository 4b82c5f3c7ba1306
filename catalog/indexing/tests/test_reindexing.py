"""Rebuilding and repairing a real index from real tables, while both are in use."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from elasticsearch import AsyncElasticsearch

from catalog.events import TOPIC
from catalog.indexing.definition import DEFINITION
from catalog.indexing.domain import IndexRow
from catalog.indexing.errors import ReindexRunning
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
from catalog.tests.indexed import ANYTHING
from kit.cache import Cache
from kit.db import Database, Migrations
from kit.search import SearchIndex, SearchUnavailable
from kit.testing import Elasticsearch, Redis
from kit.testing.fixtures import database_url, elasticsearch, postgres, redis
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
        result = await self.searches.search(replace(ANYTHING, size=100))
        return {product.id: product for product, _ in result.hits}

    async def indices(self) -> list[str]:
        return sorted(await self.client.indices.get(index=f"{self.alias}-*"))


@pytest.fixture
async def shop(database_url: str, elasticsearch: Elasticsearch, redis: Redis) -> AsyncIterator[Shop]:
    await Migrations("catalog").apply(database_url)
    db = Database(database_url, publishes=TOPIC, pool_size=16)
    await db.open()
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
    await db.close()


async def test_a_rebuilt_index_replaces_the_old_one(shop: Shop) -> None:
    active, deleted = await shop.make_many(3), await shop.make("Deleted")
    await shop.delete(deleted)

    assert await shop.reindexer.rebuild() == 4

    assert sorted(await shop.search_all()) == sorted(active)
    assert await shop.indices() == [f"{shop.alias}-000002"]
    await shop.reindexer.rebuild()
    assert await shop.indices() == [f"{shop.alias}-000003"]


async def test_a_rebuild_restores_a_lost_index(shop: Shop) -> None:
    active = await shop.make_many(3)
    await shop.reindexer.rebuild()
    await shop.client.indices.delete(index=f"{shop.alias}-000002")
    with pytest.raises(SearchUnavailable):
        await shop.search_all()

    await shop.reindexer.rebuild()

    assert sorted(await shop.search_all()) == sorted(active)


async def test_a_write_to_a_lost_index_does_not_create_it_with_a_dynamic_mapping(shop: Shop) -> None:
    active = await shop.make_many(3)
    await shop.reindexer.rebuild()
    await shop.client.indices.delete(index=f"{shop.alias}-000002")

    with pytest.raises(SearchUnavailable):
        await shop.reindex(*active)
    # The consumer retries, and the next repair restores the others.
    await shop.reindex(active[0])
    assert await shop.reindexer.repair(settled=timedelta(0)) == 2
    assert sorted(await shop.search_all()) == sorted(active)
    assert await shop.indices() == [f"{shop.alias}-000001"]


async def test_a_rebuild_removes_the_index_of_an_interrupted_one(shop: Shop) -> None:
    active = await shop.make_many(3)
    assert await shop.index.create_generation() == f"{shop.alias}-000002"

    await shop.reindexer.rebuild()

    assert sorted(await shop.search_all()) == sorted(active)
    assert len(await shop.indices()) == 1


async def test_only_one_process_rebuilds_at_a_time(shop: Shop) -> None:
    await shop.make_many(3)
    async with shop.source.try_exclusive_lock() as locked:
        assert locked
        with pytest.raises(ReindexRunning):
            await shop.reindexer.rebuild()
        assert await shop.reindexer.repair() == 0
    assert await shop.reindexer.rebuild() == 3


async def test_no_change_is_lost_during_rebuilds(shop: Shop) -> None:
    """The indexer writes to the old index during a rebuild; searches must never miss a product."""
    anchor = await shop.make("Anchor", stock=5)
    ids = await shop.make_many(60)
    await shop.reindexer.rebuild()
    stop, seen = asyncio.Event(), 0

    async def writer() -> None:
        turn = 0
        while not stop.is_set():
            turn += 1
            changed = ids[turn % len(ids)]
            await shop.rename(changed, f"Mug {turn}")
            if turn % 5 == 0:
                ids.append(await shop.make(f"New {turn}"))
            if turn % 7 == 0 and changed != anchor:
                await shop.delete(changed)
                ids.remove(changed)
            if turn % 3 == 0:
                await shop.set_stock(ids[turn % len(ids)], turn % 2)
            await shop.stock.publish_availability_changes()
            await shop.reindex(changed, ids[-1], ids[turn % len(ids)])

    async def reader() -> None:
        nonlocal seen
        while not stop.is_set():
            result = await shop.searches.search(replace(ANYTHING, query="anchor"))
            assert [product.id for product, _ in result.hits] == [anchor]
            seen += 1

    writing, reading = (asyncio.create_task(task, context=Context()) for task in (writer(), reader()))
    for _ in range(5):
        await shop.reindexer.rebuild()
    stop.set()
    await asyncio.gather(writing, reading)

    assert seen > 5
    assert await shop.reindexer.repair(settled=timedelta(0)) == 0
    assert len(await shop.indices()) == 1


class IndexWithSteps(ProductIndex):
    """Runs a callback at a step of a rebuild."""

    steps: Mapping[str, Any]

    async def write(self, rows: Sequence[IndexRow], *, index: str | None = None) -> None:
        await super().write(rows, index=index)
        await self._step("written" if index else "")

    async def switch_alias(self, index: str) -> None:
        await self._step("before")
        await super().switch_alias(index)
        await self._step("after")

    async def _step(self, name: str) -> None:
        if name in self.steps:
            await asyncio.create_task(self.steps[name](), context=Context())


@pytest.mark.parametrize("step", ["written", "before", "after"])
async def test_changes_at_any_step_of_a_rebuild_are_in_the_new_index(shop: Shop, step: str) -> None:
    changed, deleted, sold = await shop.make_many(3)
    await shop.reindex(changed, deleted, sold)
    done = asyncio.Event()

    async def change() -> None:
        if not done.is_set():
            done.set()
            await shop.rename(changed, "Cup")
            await shop.delete(deleted)
            await shop.set_stock(sold, 0)
            await shop.stock.publish_availability_changes()
            await shop.reindex(changed, deleted, sold)

    index = IndexWithSteps(shop.search, shop.cache)
    index.steps = {step: change}
    await Reindexer(shop.source, index, shop.indexer, clock=utc_now, grace=GRACE).rebuild()

    assert done.is_set()
    assert {product.name for product in (await shop.search_all()).values()} == {"Cup", "Mug 2"}
    assert await shop.index.read([changed, deleted, sold]) == {
        product.id: (product, product.id != sold) for product in (await shop.search_all()).values()
    }


async def test_only_documents_that_differ_from_the_table_are_repaired(shop: Shop) -> None:
    stale, deleted, sold, missing, fine = await shop.make_many(5)
    await shop.reindex(stale, deleted, sold, fine)
    # These changes do not reach the indexer.
    await shop.rename(stale, "Cup")
    await shop.delete(deleted)
    await shop.set_stock(sold, 0)

    assert await shop.reindexer.repair(settled=timedelta(0)) == 4

    indexed = await shop.index.read([stale, deleted, sold, missing, fine])
    assert (indexed[stale][0].name, deleted in indexed) == ("Cup", False)
    assert (indexed[sold][1], indexed[fine][1]) == (False, True)
    assert missing in indexed
    assert await shop.reindexer.repair(settled=timedelta(0)) == 0


async def test_recent_changes_are_left_to_the_indexer(shop: Shop) -> None:
    await shop.make_many(3)
    assert await shop.reindexer.repair() == 0
    two_minutes = timedelta(minutes=2)
    later = Reindexer(shop.source, shop.index, shop.indexer, clock=lambda: utc_now() + two_minutes)
    assert await later.repair() == 3


async def test_thousands_of_products_are_read_in_pages(shop: Shop) -> None:
    made = [Product.create(draft(f"Mug {number}"), None, utc_now())[0] for number in range(1101)]
    async with shop.db.transaction() as tx:
        for product in made:
            await PostgresProductStore(shop.db).add(tx, product)

    assert await shop.reindexer.rebuild() == 1101
    assert (await shop.searches.search(replace(ANYTHING, count_total=True))).total == 1101
