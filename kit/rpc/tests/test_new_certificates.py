"""What a new certificate, a new authority or the introduction of identity does to calls."""

import asyncio
from typing import Any

import grpc
import pytest

from kit.errors import SoukError
from kit.rpc import Channel, Server
from kit.rpc.tests.orders import SERVICE
from kit.rpc.tests.town import Town, channel, get, identity, looked_at_often, plainly, rejected, server, town
from kit.testing import eventually
from kit.testing.certificates import Authority

__all__ = ["looked_at_often", "server", "town"]


@pytest.mark.parametrize("replaced", ["both", "server", "client"])
async def test_new_certificates_fail_no_call(town: Town, replaced: str) -> None:
    mounts = {"server": town.mount("order"), "client": town.mount("gateway")}
    names = {"server": "order", "client": "gateway"}
    failures: list[SoukError] = []
    done = asyncio.Event()
    answered = 0

    async def shop(gateway: Channel) -> None:
        nonlocal answered
        while not done.is_set():
            try:
                await get(gateway)
                answered += 1
            except SoukError as error:
                failures.append(error)

    async with (
        town.server(identity(mounts["server"], "order")) as server,
        channel(server, identity(mounts["client"], "gateway")) as gateway,
    ):
        shoppers = [asyncio.create_task(shop(gateway)) for _ in range(8)]
        held = asyncio.create_task(get(gateway, "wait"))
        await eventually(lambda: town.orders.waiting == 1)
        for _ in range(5):
            for side, mount in mounts.items():
                if replaced in (side, "both"):
                    town.authority.issue(mount, names[side])
            seen = answered
            await eventually(lambda seen=seen: answered > seen + 100)  # type: ignore[misc]
        assert not held.done(), "a call in flight goes on"
        town.orders.go.set()
        await held
        done.set()
        await asyncio.gather(*shoppers)
    assert not failures


async def test_after_a_change_of_authority_the_old_certificate_is_worth_nothing(town: Town) -> None:
    mount, old = town.mount("order"), town.mount("gateway")
    async with town.server(identity(mount, "order")) as server:
        async with plainly(server, old) as gateway:
            await gateway.unary_unary(f"/{SERVICE.full_name}/GetOrder")(b"", timeout=5)
        following = Authority(town.folder, "next")
        following.issue(mount, "order")

        async def shut_out() -> bool:
            async with plainly(server, old, trusts=following) as gateway:
                try:
                    await gateway.unary_unary(f"/{SERVICE.full_name}/GetOrder")(b"", timeout=5)
                except grpc.aio.AioRpcError as failure:
                    return failure.code() is grpc.StatusCode.UNAVAILABLE
            return False

        await eventually(shut_out)


async def test_a_slow_handshake_is_waited_for(town: Town, server: Server) -> None:
    connected, released = asyncio.Event(), asyncio.Event()

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", server.port)
        connected.set()
        await asyncio.wait_for(released.wait(), 10)
        await asyncio.gather(relay(reader, inner_writer), relay(inner_reader, writer))

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)
        writer.close()

    between = await asyncio.start_server(slowly, "127.0.0.1", 0)
    port = between.sockets[0].getsockname()[1]
    gateway = Channel(f"127.0.0.1:{port}", SERVICE, identity(town.mount("gateway"), "gateway"))
    await gateway.open()
    calling = asyncio.create_task(get(gateway))
    await asyncio.wait_for(connected.wait(), 10)
    assert not calling.done()
    released.set()
    await calling
    await gateway.close()
    between.close()


async def test_old_connections_are_closed_once_they_are_not_used(town: Town, server: Server) -> None:
    mount = town.mount("gateway")
    async with channel(server, identity(mount, "gateway")) as gateway:
        await get(gateway)
        connection = gateway._connection
        assert connection is not None
        for _ in range(3):
            before = connection.channel
            town.authority.issue(mount, "gateway")

            async def renewed(before: Any = before) -> bool:
                await get(gateway)
                return connection.channel is not before

            await eventually(renewed)
        await get(gateway)
        await eventually(lambda: len(connection._channels) == 1)


async def test_while_identity_is_introduced_both_are_served_and_future_rejections_are_counted(
    town: Town,
) -> None:
    before = {caller: rejected(caller, "no") for caller in ("none", "intruder")}
    files = identity(town.mount("order"), "order", calls_use_tls=False, requires_tls=False)
    async with (
        town.server(files) as server,
        channel(server, None) as plain,
        channel(server, identity(town.mount("gateway"), "gateway", requires_tls=False)) as gateway,
        channel(server, identity(town.mount("intruder"), "intruder")) as intruder,
        channel(server, files) as calls_without,
    ):
        for caller in (plain, gateway, intruder, calls_without):
            await get(caller)
            await caller.ping()
        async with asyncio.TaskGroup() as group:
            held = group.create_task(get(gateway, "wait"))
            await eventually(lambda: town.orders.waiting == 1)
            ending = group.create_task(server.stop(5))
            town.orders.go.set()
            await held
            await ending
    assert rejected("none", "no") == before["none"] + 2
    assert rejected("intruder", "no") == before["intruder"] + 1
