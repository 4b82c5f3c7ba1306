"""WebSocket connections over the real server: what a client may hold of it, and how each ends."""

import asyncio
import time
import zlib
from uuid import uuid4

import pytest

from gateway.tests.hostility import MAX_RESIDENT_BYTES, attack
from gateway.tests.listening import SUBSCRIBE, USER, Listening, world
from gateway.tests.served import CONTINUED, PING, PONG, TEXT, dial, frame, serving
from gateway.tests.served_gateway import ENVIRONMENT, port
from kit.graphql.metrics import CONNECTIONS
from kit.testing import eventually

__all__ = ["port", "world"]


def token(world: Listening) -> str:
    return world.tokens.token(USER).token


async def test_a_silent_socket_is_closed_with_its_connection(port: int) -> None:
    sockets = [await dial(port, address=f"192.0.2.{number}") for number in range(30)]
    assert {socket.status for socket in sockets} == {101}
    assert await asyncio.wait_for(asyncio.gather(*(socket.closed() for socket in sockets)), 20) == [4408] * 30
    # Though they never answer the server's close.
    await asyncio.wait_for(asyncio.gather(*(socket.ended() for socket in sockets)), 20)


BEFORE_SIGN_IN = {
    "a text of 62 MiB": (frame(TEXT, b"x" * 1000, announced=62 * 1024 * 1024), 1009),
    "a text just too long": (frame(TEXT, b"{" * 16385), 1009),
    "fragments that are too long together": (
        frame(TEXT, b"x" * 9000, fin=False) + frame(CONTINUED, b"x" * 9000),
        1009,
    ),
    "empty fragments": (frame(TEXT, b"x", fin=False) + frame(CONTINUED, fin=False) * 2000, 1009),
    "a flood of pings": (frame(PING, b"x") * 200, 1008),
    "a compressed bomb": (frame(TEXT, zlib.compress(b"x" * 10**6), flags=0x40), 1002),
    "no UTF-8": (frame(TEXT, b"\xff\xfe"), 1007),
    "an operation": (
        frame(TEXT, b'{"type": "subscribe", "id": "1", "payload": {"query": "{ me { id } }"}}'),
        4401,
    ),
}


@pytest.mark.parametrize("name", BEFORE_SIGN_IN)
async def test_an_unauthenticated_violation_closes_the_socket_at_once(port: int, name: str) -> None:
    sent, code = BEFORE_SIGN_IN[name]
    socket = await dial(port, compressed=True)
    assert "permessage-deflate" not in socket.head
    socket.send(sent)
    assert await asyncio.wait_for(socket.closed(), 5) == code
    await asyncio.wait_for(socket.ended(), 10)


async def test_an_authenticated_client_may_send_longer_messages_up_to_a_limit(
    port: int, world: Listening
) -> None:
    socket = await dial(port)
    await socket.sign_in(token(world))
    query = "{ me { id } } #" + "x" * 15_000
    variables = {"unused": ["x" * 15_000]}
    socket.say(type="subscribe", id="1", payload={"query": query, "variables": variables})
    assert (await socket.message())["payload"]["data"]["me"]
    assert (await socket.message())["type"] == "complete"
    socket.send(frame(TEXT, announced=128 * 1024 + 1))
    assert await asyncio.wait_for(socket.closed(), 5) == 1009


@pytest.mark.parametrize("kind", [CONTINUED, PING, PONG, TEXT])
async def test_a_quarter_mebibyte_of_empty_frames_does_not_block_others(port: int, kind: int) -> None:
    flood = frame(TEXT, b"x", fin=False) if kind == CONTINUED else b""
    flood += frame(kind, fin=kind != CONTINUED) * 40_000
    sockets = [await dial(port, address=f"192.0.2.{number}") for number in range(10)]
    start = time.thread_time()
    for socket in sockets:
        socket.send(flood)
    codes = await asyncio.wait_for(asyncio.gather(*(socket.closed() for socket in sockets)), 30)
    assert not set(codes) & {1000, 1011}
    # Of ten of them, the clients' own work included.
    assert time.thread_time() - start < 1


async def test_messages_in_one_packet_are_all_read(port: int, world: Listening) -> None:
    socket = await dial(port)
    await socket.sign_in(token(world))
    socket.send(frame(TEXT, b'{"type": "ping"}') * 3000)
    for _ in range(3000):
        assert await socket.message() == {"type": "pong"}


async def test_unauthenticated_sockets_of_an_address_are_limited(port: int, world: Listening) -> None:
    strangers = [await dial(port, address="2001:db8::1") for _ in range(3)]
    assert [socket.status for socket in strangers] == [101] * 3
    assert (await dial(port, address="2001:db8::2")).status == 403
    assert (await dial(port, address="2001:db8:1::2")).status == 101
    # One that signs in makes room, and so does one that is closed.
    await strangers[0].sign_in(token(world))
    assert (await dial(port, address="2001:db8::3")).status == 101
    await asyncio.wait_for(strangers[1].closed(), 10)

    async def room() -> bool:
        return (await dial(port, address="2001:db8::4")).status == 101

    await eventually(room)


async def test_concurrent_handshakes_are_paced(world: Listening) -> None:
    async with serving(world.app({**ENVIRONMENT, "MAX_UNSIGNED_SOCKETS": "100"})) as port:
        start = time.monotonic()
        sockets = await asyncio.gather(*(dial(port, address="192.0.2.1") for _ in range(80)))
        # 20 at once, the others at 200 a second.
        assert time.monotonic() - start > 0.29
        assert {socket.status for socket in sockets} == {101}
        # A socket that waited reads and writes like any other.
        await sockets[-1].sign_in(token(world))


async def test_an_idle_socket_is_closed(world: Listening) -> None:
    limits = {"SOCKET_INIT_SECONDS": "60", "SOCKET_IDLE_SECONDS": "0.5"}
    async with serving(world.app({**ENVIRONMENT, **limits})) as port:
        listens, idle = await dial(port), await dial(port)
        # Both messages at once: between them the socket has no operation, and this client may pause.
        subscribe = {"query": SUBSCRIBE, "variables": {"id": world.order_id}}
        listens.say(type="connection_init", payload={"Authorization": f"Bearer {token(world)}"})
        listens.say(type="subscribe", id="1", payload=subscribe)
        assert await listens.message() == {"type": "connection_ack"}
        assert (await listens.message())["type"] == "next"
        await idle.sign_in(token(world))
        assert await asyncio.wait_for(idle.closed(), 10) == 1000
        await asyncio.wait_for(idle.ended(), 10)
        world.changes(2, "CONFIRMED")
        assert (await listens.message())["payload"]["data"]["orderUpdated"]["version"] == 2


async def test_a_revoked_session_closes_its_socket(
    port: int, world: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.graphql.connections._TOKEN_CHECK_SECONDS", 0.1)
    socket = await dial(port)
    await socket.sign_in(token(world))
    world.tokens.revoke(USER)
    assert await asyncio.wait_for(socket.closed(), 10) == 4403
    await asyncio.wait_for(socket.ended(), 10)


async def test_a_client_that_does_not_read_is_disconnected(
    port: int, world: Listening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.graphql.socket_session.SEND_SECONDS", 0.5)
    monkeypatch.setattr("kit.web.websocket_connection._CLOSE_SECONDS", 0.5)
    before = CONNECTIONS._value.get()
    socket = await dial(port, small=True)
    await socket.sign_in(token(world))
    assert CONNECTIONS._value.get() == before + 1
    transport = socket.writer.transport
    transport.pause_reading()  # type: ignore[attr-defined]
    query = (
        "{ "
        + " ".join(f"a{n}: products(first: 50) {{ nodes {{ id name description }} }}" for n in range(4))
        + " }"
    )

    def dropped() -> bool:
        # More than TCP keeps for the client, as long as the server reads.
        if not transport.is_closing():
            socket.say(type="subscribe", id=str(uuid4()), payload={"query": query})
        return bool(CONNECTIONS._value.get() == before)

    await eventually(dropped, seconds=40)

    def cut() -> bool:
        # It still does not read, so that it learns of its end by writing.
        socket.send(frame(PING))
        return transport.is_closing()

    await eventually(cut, seconds=20)


async def test_a_shutdown_closes_sockets_in_order(world: Listening) -> None:
    async with serving(world.app(ENVIRONMENT)) as port:
        signed_in, stranger = await dial(port), await dial(port)
        await signed_in.sign_in(token(world))
        world.end()
        assert await asyncio.wait_for(signed_in.closed(), 5) == 1001
    # The server closes the remaining sockets with codes that let clients reconnect.
    assert await asyncio.wait_for(stranger.closed(), 5) in (1001, 1012, 4408)


async def test_hostile_clients_take_neither_memory_nor_much_time() -> None:
    # The long form is a command that times a shopper beside them, see gateway.tests.hostility.
    measured = await attack(150, 12)
    assert measured.sockets > 50
    assert measured.during
    assert measured.resident_bytes < MAX_RESIDENT_BYTES
    assert measured.cpu_seconds / measured.sockets < 0.1
    ended = {name.partition(":")[2] for name in measured.outcomes}
    assert ended & {" 1002", " 1009", " 4401", " 4408"}
