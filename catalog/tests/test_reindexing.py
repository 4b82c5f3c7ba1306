"""Rebuilding and repairing a real index from a real table, while both are in use."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from elasticsearch import AsyncElasticsearch

from catalog.domain import Changes, Product
from catalog.errors import ReindexRunning
from catalog.events import TOPIC
from catalog.indexer import Indexer
from catalog.reindexing import Reindexer
from catalog.search import IndexedProducts
from catalog.search_index import DEFINITION
from catalog.stock_domain import StockCount
from catalog.stock_store import PostgresStockStore
from catalog.stock_use_cases import Stock
from catalog.store import PostgresProductStore
from catalog.tests.fakes import FakeCache, FakeProductStore, draft
from catalog.tests.indexed import ANYTHING
from catalog.use_cases import Products
from kit.cache import Cache
from kit.db import Database, Migrations
from kit.search import SearchIndex, SearchUnavailable
from kit.testing import Elasticsearch, Redis
from kit.testing.fixtures import database_url, elasticsearch, postgres, redis
from kit.testing.principals import FakeAdminVerifier, admin
from kit.values import utc_now

__all__ = ["database_url", "elasticsearch", "postgres", "redis"]

GRACE = timedelta(seconds=0.5)


@dataclass
class Shop:
    """The catalog on a real database and index; the indexer is told of changes by hand."""

    products: Products
    stock: Stock
    rows: PostgresProductStore
    index: IndexedProducts
    indexer: Indexer
    reindexer: Reindexer
    client: AsyncElasticsearch
    alias: str
    db: Database
    search: SearchIndex
    cache: Cache

    def __post_init__(self) -> None:
        self.boss = admin()

    async def make(self, name: str = "Mug", *, stock: int | None = None) -> UUID:
        return (await self.products.create(self.boss, draft(name, stock=stock))).product.id

    async def made(self, count: int) -> list[UUID]:
        return [await self.make(f"Mug {at}") for at in range(count)]

    async def rename(self, product_id: UUID, name: str) -> None:
        await self.products.update(self.boss, product_id, Changes.read(name=name), expected_version=None)

    async def delete(self, product_id: UUID) -> None:
        await self.products.delete(self.boss, product_id)

    async def set_stock(self, product_id: UUID, stock: int | None) -> None:
        await self.products.set_stock(self.boss, StockCount.read(product_id, stock, None, ""))

    async def look_at(self, *ids: UUID) -> None:
        await self.indexer.look_at(dict.fromkeys(ids, utc_now()))

    async def found(self) -> dict[UUID, Product]:
        found = await self.index.find(replace(ANYTHING, size=100))
        return {product.id: product for product, _ in found.hits}

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
    rows, stock_rows, index = (
        PostgresProductStore(db),
        PostgresStockStore(db),
        IndexedProducts(search, cache, lifetime=timedelta(milliseconds=50)),
    )
    forgetful = FakeCache(FakeProductStore())
    indexer = Indexer(rows, index, forgetful, clock=utc_now)
    yield Shop(
        Products(db, rows, stock_rows, forgetful, index, FakeAdminVerifier(), clock=utc_now),
        Stock(db, stock_rows, reservation=timedelta(minutes=15), clock=utc_now),
        rows,
        index,
        indexer,
        Reindexer(rows, index, indexer, clock=utc_now, grace=GRACE),
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


async def test_an_index_is_made_of_the_table_and_takes_the_old_ones_place(shop: Shop) -> None:
    kept, gone = await shop.made(3), await shop.make("Gone")
    await shop.delete(gone)

    assert await shop.reindexer.rebuild() == 4

    assert sorted(await shop.found()) == sorted(kept)
    assert await shop.indices() == [f"{shop.alias}-000002"]
    await shop.reindexer.rebuild()
    assert await shop.indices() == [f"{shop.alias}-000003"]


async def test_a_lost_index_comes_back(shop: Shop) -> None:
    kept = await shop.made(3)
    await shop.reindexer.rebuild()
    await shop.client.indices.delete(index=f"{shop.alias}-000002")
    with pytest.raises(SearchUnavailable):
        await shop.found()

    await shop.reindexer.rebuild()

    assert sorted(await shop.found()) == sorted(kept)


async def test_an_index_that_was_lost_is_never_made_again_by_its_first_document(shop: Shop) -> None:
    kept = await shop.made(3)
    await shop.reindexer.rebuild()
    await shop.client.indices.delete(index=f"{shop.alias}-000002")

    with pytest.raises(SearchUnavailable):
        await shop.look_at(*kept)
    # The consumer tries again, and the next comparison brings the others back.
    await shop.look_at(kept[0])
    assert await shop.reindexer.repair(settled=timedelta(0)) == 2
    assert sorted(await shop.found()) == sorted(kept)
    assert await shop.indices() == [f"{shop.alias}-000001"]


async def test_what_an_interrupted_rebuild_left_is_removed_by_the_next(shop: Shop) -> None:
    kept = await shop.made(3)
    assert await shop.index.begin() == f"{shop.alias}-000002"

    await shop.reindexer.rebuild()

    assert sorted(await shop.found()) == sorted(kept)
    assert len(await shop.indices()) == 1


async def test_one_rebuilds_at_a_time(shop: Shop) -> None:
    await shop.made(3)
    async with shop.rows.alone() as alone:
        assert alone
        with pytest.raises(ReindexRunning):
            await shop.reindexer.rebuild()
        assert await shop.reindexer.repair() == 0
    assert await shop.reindexer.rebuild() == 3


async def test_changes_go_on_while_the_index_is_rebuilt_and_none_is_lost(shop: Shop) -> None:
    """What the indexer writes meanwhile goes to the old index; a search never sees less than there is."""
    anchor = await shop.make("Anchor", stock=5)
    ids = await shop.made(60)
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
            await shop.stock.tell_availability()
            await shop.look_at(changed, ids[-1], ids[turn % len(ids)])

    async def reader() -> None:
        nonlocal seen
        while not stop.is_set():
            found = await shop.index.find(replace(ANYTHING, query="anchor"))
            assert [product.id for product, _ in found.hits] == [anchor]
            seen += 1

    writing, reading = (asyncio.create_task(each, context=Context()) for each in (writer(), reader()))
    for _ in range(5):
        await shop.reindexer.rebuild()
    stop.set()
    await asyncio.gather(writing, reading)

    assert seen > 5
    assert await shop.reindexer.repair(settled=timedelta(0)) == 0
    assert len(await shop.indices()) == 1


class Slow(IndexedProducts):
    """Lets something happen at a rebuild's steps."""

    steps: Mapping[str, Any]

    async def write(self, rows: Sequence[Any], *, index: str | None = None) -> None:
        await super().write(rows, index=index)
        await self._step("written" if index else "")

    async def adopt(self, index: str) -> None:
        await self._step("before")
        await super().adopt(index)
        await self._step("after")

    async def _step(self, name: str) -> None:
        if name in self.steps:
            await asyncio.create_task(self.steps[name](), context=Context())


@pytest.mark.parametrize("step", ["written", "before", "after"])
async def test_what_happens_at_any_step_of_a_rebuild_is_in_the_new_index(shop: Shop, step: str) -> None:
    changed, gone, sold = await shop.made(3)
    await shop.look_at(changed, gone, sold)
    done = asyncio.Event()

    async def happen() -> None:
        if not done.is_set():
            done.set()
            await shop.rename(changed, "Cup")
            await shop.delete(gone)
            await shop.set_stock(sold, 0)
            await shop.stock.tell_availability()
            await shop.look_at(changed, gone, sold)

    slow = Slow(shop.search, shop.cache, lifetime=timedelta(milliseconds=50))
    slow.steps = {step: happen}
    await Reindexer(shop.rows, slow, shop.indexer, clock=utc_now, grace=GRACE).rebuild()

    assert done.is_set()
    assert {product.name for product in (await shop.found()).values()} == {"Cup", "Mug 2"}
    assert await shop.index.read([changed, gone, sold]) == {
        product.id: (product, product.id != sold) for product in (await shop.found()).values()
    }


async def test_what_differs_from_the_table_is_repaired_and_only_that(shop: Shop) -> None:
    stale, gone, sold, missing, fine = await shop.made(5)
    await shop.look_at(stale, gone, sold, fine)
    # News that never came.
    await shop.rename(stale, "Cup")
    await shop.delete(gone)
    await shop.set_stock(sold, 0)

    assert await shop.reindexer.repair(settled=timedelta(0)) == 4

    known = await shop.index.read([stale, gone, sold, missing, fine])
    assert (known[stale][0].name, gone in known) == ("Cup", False)
    assert (known[sold][1], known[fine][1]) == (False, True)
    assert missing in known
    assert await shop.reindexer.repair(settled=timedelta(0)) == 0


async def test_what_has_just_changed_is_left_to_the_indexer(shop: Shop) -> None:
    await shop.made(3)
    assert await shop.reindexer.repair() == 0
    two_minutes = timedelta(minutes=2)
    later = Reindexer(shop.rows, shop.index, shop.indexer, clock=lambda: utc_now() + two_minutes)
    assert await later.repair() == 3


async def test_thousands_of_products_are_read_in_pages(shop: Shop) -> None:
    made = [Product.create(draft(f"Mug {at}"), None, utc_now())[0] for at in range(1101)]
    async with shop.db.transaction() as tx:
        for product in made:
            await shop.rows.add(tx, product)

    assert await shop.reindexer.rebuild() == 1101
    assert (await shop.index.find(replace(ANYTHING, count=True))).total == 1101
