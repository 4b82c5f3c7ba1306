"""Search results cached in a real Redis, and searches without Redis or without Elasticsearch."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from catalog.indexing.definition import DEFINITION
from catalog.indexing.domain import IndexRow
from catalog.indexing.index import ProductIndex
from catalog.search.index import ElasticsearchIndexReader
from catalog.tests.indexed import ANYTHING, Index, elasticsearch, index, redis
from kit.cache import Cache
from kit.search import SearchIndex, SearchUnavailable
from kit.testing import Elasticsearch, FakeClock, Redis, eventually, free_port

__all__ = ["elasticsearch", "index", "redis"]


async def test_a_result_is_cached_until_the_next_refresh(index: Index) -> None:
    await index.add("Mug 1")
    assert await index.names("mug") == ["Mug 1"]

    await index.writer.write([IndexRow(index.product("Mug 2"), True, True)])
    assert await index.names("mug") == ["Mug 1"]
    await index.writer.refresh()

    assert sorted(await index.names("mug")) == ["Mug 1", "Mug 2"]


async def test_empty_results_are_not_cached(index: Index) -> None:
    assert await index.names("mug") == []

    await index.writer.write([IndexRow(index.product("Mug"), True, True)])
    await index.writer.refresh()

    assert await index.names("mug") == ["Mug"]


async def test_a_cached_result_equals_the_original(index: Index) -> None:
    for number in range(3):
        await index.add(f"Mug {number}", category="Kitchen")

    first = await index.search("mug", size=2, count_total=True)

    assert await index.search("mug", size=2, count_total=True) == first


class CountingSearch(SearchIndex):
    """Counts the searches, and holds them until `released`."""

    searches = 0
    released: asyncio.Event

    async def search(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.searches += 1
        await asyncio.wait_for(self.released.wait(), 10)
        return await super().search(body)


async def test_concurrent_equal_searches_share_one_query(elasticsearch: Elasticsearch, redis: Redis) -> None:
    alias = f"products-{uuid4().hex}"
    search, cache = CountingSearch(elasticsearch.url(), alias, DEFINITION), Cache(redis.url(), alias)
    search.released = asyncio.Event()
    reader = ElasticsearchIndexReader(search, cache, lifetime=timedelta(minutes=10))
    index = Index(ProductIndex(search, cache), reader, FakeClock())
    for number in range(3):
        await index.add(f"Mug {number}")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(index.names("mug")) for _ in range(10)]
        await eventually(lambda: search.searches == 1)
        # A cancelled one does not cancel the others.
        tasks.pop(0).cancel()
        search.released.set()

    assert {len(task.result()) for task in tasks} == {3}
    assert search.searches == 1
    await search.close()
    await cache.close()


async def test_searches_work_without_redis(elasticsearch: Elasticsearch) -> None:
    alias = f"products-{uuid4().hex}"
    search = SearchIndex(elasticsearch.url(), alias, DEFINITION)
    cache = Cache(f"redis://127.0.0.1:{free_port()}", alias)
    reader = ElasticsearchIndexReader(search, cache, lifetime=timedelta(minutes=10))
    index = Index(ProductIndex(search, cache), reader, FakeClock())

    for name in ("Mug 1", "Mug 2"):
        await index.add(name)
        assert name in await index.names("mug")
    await search.close()
    await cache.close()


async def test_searches_are_unavailable_without_elasticsearch(redis: Redis) -> None:
    search = SearchIndex(f"http://127.0.0.1:{free_port()}", "products", DEFINITION)
    cache = Cache(redis.url(), uuid4().hex)

    with pytest.raises(SearchUnavailable):
        await ElasticsearchIndexReader(search, cache, lifetime=timedelta(seconds=1)).search(ANYTHING)
    await search.close()
    await cache.close()
