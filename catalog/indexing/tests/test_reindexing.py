"""Rebuilding a real index from real tables, while both are in use."""

import asyncio
from collections.abc import Mapping, Sequence
from contextvars import Context
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from catalog.indexing.domain import IndexRow
from catalog.indexing.errors import ReindexRunning
from catalog.indexing.index import ProductIndex
from catalog.indexing.reindexing import Reindexer
from catalog.indexing.tests.shop import GRACE, Shop, shop
from catalog.products.domain import Product
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import draft
from catalog.tests.indexed import ANYTHING, decode_page
from kit.search import SearchUnavailable
from kit.testing.fixtures import database_url, elasticsearch, postgres, redis
from kit.values import utc_now

__all__ = ["database_url", "elasticsearch", "postgres", "redis", "shop"]


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
            result = decode_page(await shop.searches.search(replace(ANYTHING, query="anchor")))
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


async def test_thousands_of_products_are_read_in_pages(shop: Shop) -> None:
    made = [Product.create(draft(f"Mug {number}"), None, utc_now())[0] for number in range(1101)]
    async with shop.db.transaction() as tx:
        for product in made:
            await PostgresProductStore(shop.db).add(tx, product)

    assert await shop.reindexer.rebuild() == 1101
    assert decode_page(await shop.searches.search(replace(ANYTHING, count_total=True))).total == 1101
