"""GraphQL over Server-Sent Events, event by event, with services as their contracts say behind it."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.metrics import LISTENERS, WATCHED
from gateway.tests.listening import OTHER, SUBSCRIBE, USER, Listening, listening
from kit.auth import Principal
from kit.errors import Unavailable
from kit.testing import eventually


class Stream:
    """One request, speaking ASGI."""

    def __init__(self, app: Any, body: Any, headers: dict[str, str]) -> None:
        self._in: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._out: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        headers = {"content-type": "application/json", "accept": "text/event-stream", **headers}
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": "/graphql",
            "raw_path": b"/graphql",
            "root_path": "",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
            "client": ("192.0.2.7", 1234),
            "server": ("souk.test", 80),
            "state": {},
        }
        self._in.put_nowait({"type": "http.request", "body": json.dumps(body).encode(), "more_body": False})
        self.reads = asyncio.Event()
        self.reads.set()
        self.task = asyncio.create_task(app(scope, self._in.get, self._put))

    async def _put(self, message: dict[str, Any]) -> None:
        await self.reads.wait()
        self._out.put_nowait(message)

    def leave(self) -> None:
        self._in.put_nowait({"type": "http.disconnect"})

    async def raw(self) -> dict[str, Any]:
        return await asyncio.wait_for(self._out.get(), 5)

    async def begins(self) -> tuple[int, dict[str, str]]:
        started = await self.raw()
        return started["status"], {name.decode(): value.decode() for name, value in started["headers"]}

    async def text(self) -> str:
        """What comes next, as it is sent; nothing once the answer has ended."""
        sent = await self.raw()
        assert sent["type"] == "http.response.body"
        return str(sent["body"].decode())

    async def next(self) -> dict[str, Any]:
        event = await self.text()
        name, data, *rest = event.split("\n")
        assert (name, data[:6], rest) == ("event: next", "data: ", ["", ""])
        answer: dict[str, Any] = json.loads(data[6:])
        return answer

    async def code(self) -> str:
        """Of the error that comes next."""
        [error] = (await self.next())["errors"]
        return str(error["extensions"]["code"])

    async def completes(self) -> None:
        assert await self.text() == "event: complete\ndata:\n\n"
        assert await self.text() == ""
        await asyncio.wait_for(self.task, 5)


class World(Listening):
    """With clients of event streams."""

    @asynccontextmanager
    async def asks(
        self, query: str, app: Any = None, who: Principal | None = USER, **headers: str
    ) -> AsyncIterator[Stream]:
        if who is not None:
            headers["authorization"] = f"Bearer {self.tokens.token(who).token}"
        body = {"query": query, "variables": {"id": self.order_id} if "$id" in query else None}
        stream = Stream(app or self.app(), body, headers)
        yield stream
        stream.leave()
        await asyncio.wait_for(stream.task, 5)

    @asynccontextmanager
    async def listens(self, app: Any = None) -> AsyncIterator[Stream]:
        """Has heard of the order as it is now."""
        async with self.asks(SUBSCRIBE, app) as stream:
            status, headers = await stream.begins()
            assert (status, headers["content-type"]) == (200, "text/event-stream")
            assert (await stream.next())["data"]["orderUpdated"]["version"] == 1
            yield stream


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
        world.tokens.forget(USER)
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
    monkeypatch.setattr("gateway.event_stream._SEND_SECONDS", 0.05)
    before = WATCHED._value.get(), LISTENERS._value.get()
    async with world.listens() as stream:
        stream.reads.clear()
        world.changes(2, "CONFIRMED")
        await eventually(lambda: (WATCHED._value.get(), LISTENERS._value.get()) == before)
        stream.reads.set()
        await asyncio.wait_for(stream.task, 5)
