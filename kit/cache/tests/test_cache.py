"""The cache saves loads, loads each key once, and works without Redis."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from prometheus_client import REGISTRY

from kit.cache import Cache, PipelinedRedis
from kit.testing import Redis, eventually
from kit.testing.fixtures import redis
from kit.values import secret_token

__all__ = ["redis"]


@pytest.fixture
async def cache(redis: Redis) -> AsyncIterator[Cache]:
    cache = Cache(redis.url(), secret_token(6))
    yield cache
    await cache.close()


class Loader:
    """Counts what it is requested to load; knows every key except those that start with `no`."""

    def __init__(self) -> None:
        self.requested: list[str] = []

    async def __call__(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        self.requested += keys
        await asyncio.sleep(0)
        return {key: key.upper().encode() for key in keys if not key.startswith("no")}


async def test_what_was_loaded_is_kept(cache: Cache) -> None:
    load = Loader()
    for _ in range(2):
        assert await cache.get_or_load_many(["a", "b"], load, seconds=60) == {"a": b"A", "b": b"B"}
    assert load.requested == ["a", "b"]


async def test_only_what_is_missing_is_loaded(cache: Cache) -> None:
    load = Loader()
    await cache.get_or_load_many(["a"], load, seconds=60)
    assert await cache.get_or_load_many(["a", "b", "b"], load, seconds=60) == {"a": b"A", "b": b"B"}
    assert load.requested == ["a", "b"]


async def test_an_absence_is_remembered(cache: Cache) -> None:
    load = Loader()
    for _ in range(2):
        assert await cache.get_or_load_many(["nothing"], load, seconds=60) == {}
    assert load.requested == ["nothing"]


async def test_callers_at_once_wait_for_one_load(cache: Cache) -> None:
    load = Loader()
    answers = await asyncio.gather(*(cache.get_or_load_many(["a"], load, seconds=60) for _ in range(50)))
    assert answers == [{"a": b"A"}] * 50
    assert load.requested == ["a"]


async def test_a_failed_load_fails_every_waiter_and_is_tried_again(cache: Cache) -> None:
    async def broken(keys: Sequence[str]) -> Mapping[str, bytes]:
        await asyncio.sleep(0)
        raise ValueError

    outcomes = await asyncio.gather(
        *(cache.get_or_load_many(["x"], broken, seconds=60) for _ in range(5)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {ValueError}
    assert await cache.get_or_load_many(["x"], Loader(), seconds=60) == {"x": b"X"}


async def test_what_was_deleted_is_loaded_again(cache: Cache) -> None:
    load = Loader()
    await cache.get_or_load_many(["a"], load, seconds=60)
    await cache.delete("a")
    await cache.get_or_load_many(["a"], load, seconds=60)
    assert load.requested == ["a", "a"]


async def test_values_end_after_their_lifetime(cache: Cache) -> None:
    await cache.set_many({"a": b"1"}, seconds=0.05)

    async def gone() -> bool:
        return await cache.get("a") is None

    await eventually(gone, seconds=2)


async def test_what_is_kept_together_does_not_end_together(redis: Redis, cache: Cache) -> None:
    keys = [f"k{number}" for number in range(200)]
    await cache.set_many(dict.fromkeys(keys, b"1"), seconds=100)
    client = PipelinedRedis(redis.url())
    left = await client.execute_many([("PTTL", cache._prefix + key) for key in keys])
    client.close()
    assert max(left) <= 100_000
    assert min(left) > 89_000
    assert max(left) - min(left) > 5_000


async def test_hits_and_misses_are_counted(redis: Redis) -> None:
    prefix = secret_token(6)
    cache = Cache(redis.url(), prefix)

    def lookups(result: str) -> float | None:
        return REGISTRY.get_sample_value("souk_cache_lookups_total", {"cache": prefix, "result": result})

    for _ in range(3):
        await cache.get_or_load_many(["a", "b"], Loader(), seconds=60)
    await cache.close()
    assert (lookups("hit"), lookups("miss")) == (4, 2)


async def test_without_redis_everything_is_loaded_and_comes_back_later(redis: Redis, cache: Cache) -> None:
    load = Loader()
    redis.stop()
    try:
        for _ in range(2):
            assert await cache.get_or_load_many(["a"], load, seconds=60) == {"a": b"A"}
        await cache.delete("a")
        assert await cache.get("a") is None
    finally:
        redis.start()
    assert load.requested == ["a", "a"]

    async def is_stored() -> bool:
        await cache.set_many({"a": b"1"}, seconds=60)
        return await cache.get("a") == b"1"

    await eventually(is_stored, seconds=5)
