"""What the in-memory caches of documents may hold."""

import gc
import tracemalloc
from hashlib import sha256
from logging import CRITICAL

import pytest

from kit.cache import Cache
from kit.graphql.bounded_cache import BoundedCache
from kit.graphql.persisted import PersistedDocuments
from kit.graphql.tests.executions import Execution, compiled
from kit.graphql.tests.library import Planner
from kit.graphql.tests.odd_schema import World
from kit.testing import Redis
from kit.testing.fixtures import redis

__all__ = ["redis"]


def large(number: int, fields: int = 250) -> str:
    return f"query q{number} {{ me {{ {'name ' * fields}}} }}"


def test_a_bounded_cache_limits_entries_and_bytes() -> None:
    cache: BoundedCache[int] = BoundedCache(3, 100)
    for number in range(5):
        cache.put(str(number), number, 10)
    assert [cache.get(str(number)) for number in range(5)] == [None, None, 2, 3, 4]
    cache.put("2", 22, 90)
    assert (len(cache), cache.bytes, cache.get("2"), cache.get("4")) == (2, 100, 22, 4)
    cache.put("large", 1, 101)
    assert ("large" in cache, cache.bytes) == (False, 100)
    cache.put("2", 2, 10)
    assert cache.bytes == 20


DENSE = "{ a b c d e f g h }" * 90


@pytest.mark.parametrize("document", [large(0, 280), large(0, 5), "{ " + DENSE + " }", "{ x", "é" * 19_000])
def test_a_cached_document_uses_at_most_the_accounted_memory(document: str) -> None:
    planner = Planner()
    planner.plan("{ me { id } }")
    accounted = planner.cached_bytes
    gc.collect()
    tracemalloc.start()
    for number in range(20):
        planner.plan(f"#{number}\n{document}")
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used <= 1.1 * (planner.cached_bytes - accounted)


_LEAVES = "a: matrix b: matrix c: colors d: tags e: price f: color name"
_NESTED = "{ twin " * 8


@pytest.mark.parametrize("has_odd_values", [False, True])
@pytest.mark.parametrize(
    "document",
    [
        f'{{ node(id: "1") {{ {_LEAVES} }} }}',
        f'{{ node(id: "1") {_NESTED} {{ name {" ".join(f"a{i}: matrix" for i in range(100))} }} {"}" * 9}',
        "{ "
        + " ".join(f'n{i}: node(id: "1") {{ ...F children {{ ...F }} }}' for i in range(10))
        + " } fragment F on Node { name twin { ...G } children { ...G } }"
        + f" fragment G on Node {{ {_LEAVES} child {{ {_LEAVES} }} }}",
        "{ " + " ".join(f'n{i}: node(id: "1") {{ twin {{ name }} }}' for i in range(30)) + " }",
        f'{{ node(id: "1") {{ {" ".join(f"n{i}: related {{ twin {{ name }} }}" for i in range(30))} }} }}',
    ],
    ids=["leaves", "levels", "fragments", "roots", "resolvers"],
)
async def test_plans_use_at_most_the_memory_that_is_accounted_for_their_document(
    document: str, has_odd_values: bool, caplog: pytest.LogCaptureFixture
) -> None:
    # pytest keeps what is logged.
    caplog.set_level(CRITICAL, "kit.graphql.errors")
    world = World(1, 0.0)
    world.root.children = [world.root, world.root]
    world.root.twin = world.root.child = world.root
    if has_odd_values:
        world.root.name = None
    execution = Execution(compiled_plans=True)
    for _ in range(3):
        await execution.run('{ node(id: "1") { name } }', world)
    accounted, before = execution.cached_bytes, compiled()
    gc.collect()
    tracemalloc.start()
    for number in range(10):
        for _ in range(3):
            await execution.run(f"#{number}\n{document}", world)
            world.calls.clear()
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert compiled() == before + 20
    assert used <= 1.1 * (execution.cached_bytes - accounted)


def test_documents_that_are_too_long_are_not_cached() -> None:
    planner = Planner()
    for number in range(200):
        assert planner.plan("#" * 1_000_000 + str(number)).rejection
    assert planner.cached_bytes <= 48 * 1024 * 1024


async def test_cached_texts_stay_within_their_limit(redis: Redis) -> None:
    cache = Cache(redis.url(), "library:document")
    persisted = PersistedDocuments(cache, None)
    for number in range(700):
        text = str(number) + "é" * 20_000
        digest = sha256(text.encode()).hexdigest()
        await persisted.store(text, {"persistedQuery": {"version": 1, "sha256Hash": digest}})
    assert persisted._local.bytes <= 8 * 1024 * 1024
    assert len(persisted._local) < 700
    await cache.close()
