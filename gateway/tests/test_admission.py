"""A request pays before anybody works for it, and what is remembered of it has its bounds."""

import gc
import tracemalloc
from collections.abc import AsyncIterator, Sequence
from hashlib import sha256
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from gateway.execution import Executor
from gateway.limits import Limits
from gateway.persisted import Persisted
from gateway.redis_line import RedisLine
from gateway.remembered import Remembered
from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.tests.world import World, opened
from kit.cache import Cache
from kit.settings import load
from kit.testing import Redis
from kit.testing.fixtures import redis

__all__ = ["redis"]

FEW = {"RATE_LIMIT_POINTS": "100", "RATE_LIMIT_POINTS_PER_SECOND": "0.01", "PROXY_HOPS": "1"}
SCHEMA = build_schema()


def executor() -> Executor:
    settings = load(Settings, {"PROFILE": "development"})
    return Executor(SCHEMA, Limits.of(settings), introspection=False, suggestions=False)


def large(number: int, fields: int = 250) -> str:
    return f"query q{number} {{ me {{ {'name ' * fields}}} }}"


def costs(answer: Any) -> Sequence[int]:
    cost = answer.json()["extensions"]["cost"]
    return cost["cost"], cost["remaining"]


@pytest.fixture
async def world(tmp_path: Path, redis: Redis) -> AsyncIterator[World]:
    """Of a client whom nobody knows yet, with 100 points."""
    async with opened(tmp_path, line=RedisLine(redis.url()), environment=FEW) as world:
        world.http.headers["x-forwarded-for"] = str(IPv4Address(uuid4().int % 2**32))
        yield world


async def test_a_document_is_charged_by_its_length_until_it_is_known(world: World) -> None:
    document = large(1)
    least = 1 + len(document) // 100
    assert costs(await world.post({"query": document})) == (least, 100 - least)
    assert costs(await world.post({"query": document})) == (1, 100 - least - 1)
    # What its price says beyond its length is added, not its length again.
    assert costs(await world.post({"query": "{ products { nodes { id } } }"}))[0] == 26


async def test_large_variables_are_not_free(world: World) -> None:
    variables = {"unused": ["x" * 1000] * 100}
    assert costs(await world.post({"query": "{ me { id } }", "variables": variables}))[0] > 40


async def test_a_client_that_may_not_ask_makes_no_work(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []
    parse = Limits.parse

    def counted(self: Limits, text: str) -> Any:
        parsed.append(text)
        return parse(self, text)

    monkeypatch.setattr(Limits, "parse", counted)
    statuses = [(await world.post({"query": large(number)})).status_code for number in range(20)]
    assert statuses[:7] == [200] * 7
    assert statuses[8:] == [429] * 12
    assert len(parsed) == statuses.count(200)


async def test_a_refusal_costs_what_there_is(world: World) -> None:
    dear = {"query": "{ products(first: 99) { nodes { id } } }"}
    answers = [await world.post(dear) for _ in range(4)]
    assert [each.status_code for each in answers] == [429] * 4
    # The first pays for reading the document, which is known then; each is paid once.
    assert [costs(each)[1] for each in answers] == [99, 98, 97, 96]


async def test_a_name_of_a_type_is_not_free(world: World) -> None:
    assert [costs(await world.post({"query": "{ __typename }"}))[1] for _ in range(3)] == [99, 98, 97]


def test_what_is_remembered_is_bounded_by_count_and_by_bytes() -> None:
    few: Remembered[int] = Remembered(3, 100)
    for number in range(5):
        few.put(str(number), number, 10)
    assert [few.get(str(number)) for number in range(5)] == [None, None, 2, 3, 4]
    few.put("2", 22, 90)
    assert (len(few), few.bytes, few.get("2"), few.get("4")) == (2, 100, 22, 4)
    few.put("large", 1, 101)
    assert ("large" in few, few.bytes) == (False, 100)
    few.put("2", 2, 10)
    assert few.bytes == 20


DENSE = "{ a b c d e f g h }" * 90


@pytest.mark.parametrize("document", [large(0, 280), large(0, 5), "{ " + DENSE + " }", "{ x", "é" * 19_000])
def test_a_document_takes_no_more_memory_than_is_accounted_for(document: str) -> None:
    planned = executor()
    planned.plan("{ me { id } }", None, None)
    accounted = planned._prepared.bytes
    gc.collect()
    tracemalloc.start()
    for number in range(20):
        planned.plan(f"#{number}\n{document}", None, None)
    gc.collect()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used <= 1.1 * (planned._prepared.bytes - accounted)


def test_documents_that_are_too_long_are_not_kept() -> None:
    planned = executor()
    for number in range(200):
        assert planned.plan("#" * 1_000_000 + str(number), None, None).refused
    assert planned._prepared.bytes <= 48 * 1024 * 1024


async def test_kept_texts_have_no_more_bytes_than_they_may(redis: Redis) -> None:
    cache = Cache(redis.url(), "gateway:document")
    persisted = Persisted(cache, None)
    for number in range(700):
        text = str(number) + "é" * 20_000
        digest = sha256(text.encode()).hexdigest()
        await persisted.keep(text, {"persistedQuery": {"version": 1, "sha256Hash": digest}})
    assert persisted._known.bytes <= 8 * 1024 * 1024
    assert len(persisted._known) < 700
    await cache.close()
