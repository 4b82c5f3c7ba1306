"""A request is charged before any work is done for it."""

from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Address
from typing import Any
from uuid import uuid4

import pytest

from kit.cache import PipelinedRedis
from kit.graphql.limits import parse_limited
from kit.graphql.tests.world import World, opened
from kit.testing import Redis
from kit.testing.fixtures import redis
from kit.testing.principals import customer, guest

__all__ = ["redis"]


def large(number: int, fields: int = 250) -> str:
    return f"query q{number} {{ me {{ {'name ' * fields}}} }}"


def costs(response: Any) -> Sequence[int]:
    cost = response.json()["extensions"]["cost"]
    return cost["cost"], cost["remaining"]


@pytest.fixture
async def world(redis: Redis) -> AsyncIterator[World]:
    """A client with 100 points and an address of its own."""
    async with opened(redis=PipelinedRedis(redis.url()), points=100, points_per_second=0.01) as world:
        world.http.headers["x-forwarded-for"] = str(IPv4Address(uuid4().int % 2**32))
        yield world


async def test_a_document_is_charged_by_its_length_until_it_is_cached(world: World) -> None:
    document = large(1)
    minimum = 1 + len(document) // 100
    assert costs(await world.post({"query": document})) == (minimum, 100 - minimum)
    assert costs(await world.post({"query": document})) == (1, 100 - minimum - 1)
    # The rest of the cost is added to the charge for the length.
    assert costs(await world.post({"query": "{ titles { nodes { id } } }"}))[0] == 26


async def test_large_variables_are_not_free(world: World) -> None:
    variables = {"unused": ["x" * 1000] * 100}
    assert costs(await world.post({"query": "{ me { id } }", "variables": variables}))[0] > 40


async def test_a_rate_limited_client_causes_no_parsing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def counted(text: str, limits: Any) -> Any:
        parsed.append(text)
        return parse_limited(text, limits)

    monkeypatch.setattr("kit.graphql.documents.parse_limited", counted)
    statuses = [(await world.post({"query": large(number)})).status_code for number in range(20)]
    assert statuses[:7] == [200] * 7
    assert statuses[8:] == [429] * 12
    assert len(parsed) == statuses.count(200)


async def test_a_rejection_is_charged_as_far_as_points_remain(world: World) -> None:
    expensive = {"query": "{ titles(first: 99) { nodes { id } } }"}
    responses = [await world.post(expensive) for _ in range(4)]
    assert [response.status_code for response in responses] == [429] * 4
    # The first is charged for parsing the document, which is cached afterwards; each is charged once.
    assert [costs(response)[1] for response in responses] == [99, 98, 97, 96]


async def test_a_type_name_alone_is_not_free(world: World) -> None:
    assert [costs(await world.post({"query": "{ __typename }"}))[1] for _ in range(3)] == [99, 98, 97]


async def test_guests_share_the_points_of_their_network_and_an_account_has_its_own(world: World) -> None:
    callers = [guest(), guest(), customer()]
    tokens = [world.servers.token(caller) for caller in callers]

    left = [
        costs(await world.post({"query": "{ __typename }"}, authorization=f"Bearer {token}"))[1]
        for token in tokens
    ]

    assert left == [99, 98, 99]
