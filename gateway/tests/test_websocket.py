"""graphql-transport-ws, message by message, with services as their contracts say behind it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from gateway.persisted import AllowList
from gateway.tests.listening import OTHER, SUBSCRIBE, USER, listening
from gateway.tests.sockets import Socket, World
from kit.errors import Unavailable
from kit.testing import eventually

UNKNOWN = {"persistedQuery": {"version": 1, "sha256Hash": "1" * 64}}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with listening(World) as world:
        yield world


def subscribe(socket: Socket, order_id: str, number: str = "1") -> None:
    socket.send(type="subscribe", id=number, payload={"query": SUBSCRIBE, "variables": {"id": order_id}})


async def test_order_updated_tells_the_order_now_and_after_each_change(world: World) -> None:
    async with world.signed_in() as socket:
        subscribe(socket, world.order_id)
        first = await socket.receive()
        assert first["payload"].pop("extensions")["cost"]["cost"] == 1
        assert first == {
            "type": "next",
            "id": "1",
            "payload": {"data": {"orderUpdated": {"id": world.order_id, "status": "PENDING", "version": 1}}},
        }
        world.changes(2, "CONFIRMED")
        assert (await socket.receive())["payload"]["data"]["orderUpdated"]["status"] == "CONFIRMED"


async def test_changes_in_quick_succession_may_be_one_and_the_last_arrives(world: World) -> None:
    async with world.signed_in() as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        for version, status in ((2, "CONFIRMED"), (3, "SHIPPED"), (4, "DELIVERED")):
            world.changes(version, status)
        last = await socket.receive()
        assert last["payload"]["data"]["orderUpdated"]["version"] == 4


async def test_what_is_old_or_known_is_not_told_again(world: World) -> None:
    async with world.signed_in() as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        world.changes(3, "CONFIRMED")
        await socket.receive()
        asked = len(world.recorder.calls)
        world.changes(2, "PENDING")
        await eventually(lambda: len(world.recorder.calls) > asked)
        world.updates.changed(None)
        await eventually(lambda: len(world.recorder.calls) > asked + 1)
        assert socket.silent()


async def test_an_outage_of_the_order_service_is_waited_for(world: World) -> None:
    async with world.signed_in() as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        world.recorder.raises["GetOrder"] = Unavailable("away", reason="DATABASE_UNAVAILABLE")
        world.changes(2, "CONFIRMED")
        await eventually(lambda: len(world.recorder.calls) > 2)
        del world.recorder.raises["GetOrder"]
        assert (await socket.receive())["payload"]["data"]["orderUpdated"]["version"] == 2


async def test_somebody_elses_order_is_not_found(world: World) -> None:
    async with world.signed_in(who=OTHER) as socket:
        subscribe(socket, world.order_id)
        told = await socket.receive()
        assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", "NOT_FOUND")
        # The socket goes on.
        socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ('subscription { orderUpdated(id: "prod_1") { id } }', "BAD_USER_INPUT"),
    ],
)
async def test_a_bad_subscription_is_an_error_of_its_own(world: World, query: str, code: str) -> None:
    async with world.signed_in() as socket:
        world.recorder.raises.clear()
        socket.send(type="subscribe", id="1", payload={"query": query})
        told = await socket.receive()
        assert (told["type"], told["payload"][0]["extensions"]["code"]) == ("error", code)


async def test_a_query_is_answered_and_complete(world: World) -> None:
    async with world.signed_in() as socket:
        socket.send(type="subscribe", id="q", payload={"query": "{ me { email } }"})
        assert (await socket.receive())["payload"]["data"]["me"] is not None
        assert await socket.receive() == {"type": "complete", "id": "q"}


async def test_with_a_list_sockets_answer_nothing_else_either(world: World) -> None:
    async with world.signed_in(world.app(allowed=AllowList({"0" * 64: SUBSCRIBE}))) as socket:
        subscribe(socket, world.order_id)
        assert (await socket.receive())["type"] == "next"
        for payload in ({"query": "{ me { email } }"}, {"extensions": UNKNOWN}):
            socket.send(type="subscribe", id="q", payload=payload)
            told = await socket.receive()
            assert told["type"] == "error"
            assert told["payload"][0]["extensions"]["code"] == "PERSISTED_QUERY_NOT_IN_LIST"


async def test_who_completes_hears_no_more_and_may_use_the_id_again(world: World) -> None:
    async with world.signed_in() as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        socket.send(type="complete", id="1")
        await eventually(lambda: not world.updates._watching)
        world.changes(2, "CONFIRMED")
        subscribe(socket, world.order_id)
        assert (await socket.receive())["payload"]["data"]["orderUpdated"]["version"] == 2


async def test_who_leaves_is_watched_for_no_more(world: World) -> None:
    async with world.signed_in() as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        assert world.updates._watching
    assert not world.updates._watching


async def _first(world: World, act: Callable[[Socket], None], **environment: str) -> int:
    async with world.socket(world.app(environment)) as socket:
        assert (await socket.raw())["type"] == "websocket.accept"
        act(socket)
        return await socket.closed()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type": "connection_init"}', 4401),
        ('{"type": "connection_init", "payload": {"Authorization": "Bearer forged"}}', 4401),
        ('{"type": "connection_init", "payload": {"Authorization": "Basic eDp5"}}', 4401),
        ('{"type": "connection_init", "payload": [1]}', 4400),
        ('{"type": "subscribe", "id": "1", "payload": {"query": "{ me { id } }"}}', 4401),
        ('{"type": "sing"}', 4400),
        ('{"id": "1"}', 4400),
        ("not json", 4400),
        ('{"type": "' + "x" * 2_000_000 + '"}', 4400),
    ],
)
async def test_a_socket_that_does_not_sign_in_is_closed(world: World, text: str, code: int) -> None:
    assert await _first(world, lambda socket: socket.send_text(text)) == code


async def test_a_socket_that_says_nothing_is_closed(world: World) -> None:
    assert await _first(world, lambda _: None, SOCKET_INIT_SECONDS="0.1") == 4408


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"type": "connection_init", "payload": {"Authorization": "Bearer x"}}, 4429),
        ({"type": "subscribe", "payload": {"query": "{ me { id } }"}}, 4400),
        ({"type": "subscribe", "id": "2", "payload": {"query": 7}}, 4400),
        ({"type": "subscribe", "id": "1", "payload": {"query": SUBSCRIBE}}, 4409),
    ],
)
async def test_what_the_protocol_forbids_closes_the_socket(
    world: World, message: dict[str, Any], code: int
) -> None:
    async with world.signed_in() as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        socket.send(**message)
        assert await socket.closed() == code
    assert not world.updates._watching


async def test_another_protocol_is_refused(world: World) -> None:
    async with world.socket(protocols=("graphql-ws",)) as socket:
        assert (await socket.raw())["type"] == "websocket.accept"
        assert await socket.closed() == 4406


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("http://souk.test", True), ("https://shop.example", True), ("https://evil.example", False)],
)
async def test_the_origin_of_a_page_is_checked(world: World, origin: str, allowed: bool) -> None:
    app = world.app({"SOCKET_ORIGINS": "https://shop.example"})
    async with world.socket(app, origin=origin) as socket:
        assert (await socket.raw())["type"] == ("websocket.accept" if allowed else "websocket.close")


async def test_an_account_has_so_many_sockets_and_gets_them_back(world: World) -> None:
    app = world.app({"MAX_ACCOUNT_LISTENERS": "1"})
    async with world.signed_in(app):
        async with world.socket(app) as second:
            await second.raw()
            second.send(type="connection_init", payload={"authorization": f"Bearer {USER.account_id}"})
            assert await second.closed() == 4429
        async with world.signed_in(app, OTHER):
            pass
    async with world.signed_in(app):
        pass


async def test_a_socket_has_so_many_operations(world: World) -> None:
    async with world.signed_in(world.app({"MAX_SOCKET_OPERATIONS": "1"})) as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        subscribe(socket, world.order_id, "2")
        assert await socket.closed() == 4429


async def test_a_token_that_is_not_valid_any_more_ends_its_socket(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.listeners._TOKEN_SECONDS", 0.05)
    async with world.signed_in(world.app({"SOCKET_INIT_SECONDS": "0.1"})) as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        world.tokens.revoke(USER)
        assert await socket.closed() == 4403


async def test_a_replica_that_ends_sends_its_sockets_away(world: World) -> None:
    async with world.signed_in() as socket:
        subscribe(socket, world.order_id)
        await socket.receive()
        world.end()
        assert await socket.closed() == 1001
