"""GraphQL over Server-Sent Events, event by event, with services as their contracts say behind it."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from gateway.metrics import LISTENERS, WATCHED
from gateway.tests.listening import OTHER, SUBSCRIBE, USER, listening
from gateway.tests.streams import World
from kit.errors import Unavailable
from kit.testing import eventually


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with listening(World) as world:
        yield world


async def test_order_updated_tells_the_order_now_and_after_each_change(world: World) -> None:
    async with world.asks(SUBSCRIBE) as stream:
        _, headers = await stream.begins()
        assert (headers["cache-control"], headers["x-accel-buffering"]) == ("no-store", "no")
        assert "ratelimit-remaining" in headers
        first = await stream.next()
        assert first.pop("extensions")["cost"]["cost"] == 1
        assert first == {"data": {"orderUpdated": {"id": world.order_id, "status": "PENDING", "version": 1}}}
        world.changes(2, "CONFIRMED")
        assert (await stream.next())["data"]["orderUpdated"]["status"] == "CONFIRMED"


async def test_a_query_has_one_answer(world: World) -> None:
    async with world.asks("{ __typename }", who=None) as stream:
        await stream.begins()
        assert (await stream.next())["data"] == {"__typename": "Query"}
        await stream.completes()


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{", "GRAPHQL_PARSE_FAILED"),
        ('subscription { orderUpdated(id: "ord_01h455vb4pex5vsknk084sn02q") { id } }', "NOT_FOUND"),
    ],
)
async def test_what_cannot_be_executed_is_an_event_too(world: World, query: str, code: str) -> None:
    async with world.asks(query) as stream:
        assert (await stream.begins())[0] == 200
        assert await stream.code() == code
        await stream.completes()


async def test_nobody_listens_without_a_token(world: World) -> None:
    async with world.asks(SUBSCRIBE, who=None) as stream:
        assert (await stream.begins())[0] == 401
        assert json.loads(await stream.text())["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_who_leaves_is_forgotten(world: World) -> None:
    before = WATCHED._value.get(), LISTENERS._value.get()
    async with world.listens():
        assert (WATCHED._value.get(), LISTENERS._value.get()) == (before[0] + 1, before[1] + 1)
    assert (WATCHED._value.get(), LISTENERS._value.get()) == before


async def test_sockets_and_streams_of_an_account_are_so_many_together(world: World) -> None:
    app = world.app({"MAX_ACCOUNT_LISTENERS": "1"})
    async with world.listens(app):
        async with world.asks(SUBSCRIBE, app) as second:
            await second.begins()
            assert await second.code() == "RATE_LIMITED"
            await second.completes()
        async with world.asks(SUBSCRIBE, app, OTHER) as others:
            await others.begins()
            assert await others.code() == "NOT_FOUND", "another's order; but a stream of their own"
        async with world.asks("{ __typename }", app) as query:
            await query.begins()
            assert (await query.next())["data"], "it does not stay"
    async with world.listens(app):
        pass


async def test_a_token_that_is_not_valid_any_more_ends_its_stream(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.listeners._TOKEN_SECONDS", 0.05)
    async with world.listens() as stream:
        world.tokens.revoke(USER)
        assert await stream.code() == "UNAUTHENTICATED"
        await stream.completes()


async def test_a_silent_stream_is_kept_alive(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.event_stream._KEEP_ALIVE_SECONDS", 0.05)
    async with world.listens() as stream:
        assert await stream.text() == ":\n\n"
        world.changes(2, "CONFIRMED")
        while (event := await stream.text()) == ":\n\n":
            pass
        assert "CONFIRMED" in event


async def test_a_service_that_is_away_for_a_moment_does_not_end_the_stream(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.schema.subscription._AGAIN_SECONDS", 0.05)
    async with world.listens() as stream:
        world.recorder.raises["GetOrder"] = Unavailable("gone")
        world.changes(2, "CONFIRMED")
        await eventually(lambda: world.recorder.names().count("GetOrder") > 2)
        del world.recorder.raises["GetOrder"]
        assert (await stream.next())["data"]["orderUpdated"]["status"] == "CONFIRMED"


async def test_a_replica_that_ends_ends_its_streams_before_they_are_complete(world: World) -> None:
    async with world.listens() as stream:
        world.end()
        assert await stream.text() == "", "without `complete`, the client asks again"
        await asyncio.wait_for(stream.task, 5)


async def test_who_does_not_read_is_taken_for_gone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.event_stream.SEND_SECONDS", 0.05)
    before = WATCHED._value.get(), LISTENERS._value.get()
    async with world.listens() as stream:
        stream.reads.clear()
        world.changes(2, "CONFIRMED")
        await eventually(lambda: (WATCHED._value.get(), LISTENERS._value.get()) == before)
        stream.reads.set()
        await asyncio.wait_for(stream.task, 5)
