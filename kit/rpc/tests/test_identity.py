"""Mutual TLS between services, over real servers: who is answered, who is refused, and what a new certificate does to calls."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from prometheus_client import REGISTRY
from souk.account.v1 import account_service_pb2
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import PermissionDenied, SoukError, Unavailable
from kit.identity import CertificateFiles, Identity, ReloadingCertificate
from kit.identity import certificates as certificate_files
from kit.rpc import Call, Channel, Server
from kit.rpc import channel as channels
from kit.rpc.allowed_callers import unknown_entries
from kit.testing import eventually
from kit.testing.certificates import Authority, Mount
from kit.testing.contracts import UnimplementedServicer

SERVICE = pb.DESCRIPTOR.services_by_name["OrderService"]
CALLERS = {"OrderService": ["gateway"], "OrderService/CloseAccountOrders": ["account"]}
HOUR = timedelta(hours=1)


class OrderRpc(UnimplementedServicer):
    """Answers at once, or when it may."""

    service = SERVICE

    def __init__(self) -> None:
        self.waiting = 0
        self.go = asyncio.Event()

    async def get_order(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        if request.order_id == "wait":
            self.waiting += 1
            await self.go.wait()
        return pb.GetOrderResponse()

    async def close_account_orders(
        self, request: pb.CloseAccountOrdersRequest, call: Call
    ) -> pb.CloseAccountOrdersResponse:
        return pb.CloseAccountOrdersResponse()


class Town:
    """Services of one authority, each with its files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.orders = OrderRpc()

    def mount(self, name: str, authority: Authority | None = None, **valid: timedelta) -> Mount:
        """Files with a certificate for a name."""
        mount = Mount(self.folder / f"{name}-{len(list(self.folder.iterdir()))}")
        (authority or self.authority).issue(mount, name, **valid)
        # Clients that it signed still trust our authority.
        mount.write({path.name: path.read_bytes() for path in (mount.chain, mount.key)} | self._trusted())
        return mount

    def _trusted(self) -> dict[str, bytes]:
        return {"ca.crt": self.authority.certificate.read_bytes()}

    @asynccontextmanager
    async def server(
        self, identity: Identity | None, callers: Mapping[str, Sequence[str]] = CALLERS
    ) -> AsyncIterator[Server]:
        """An order service."""
        server = Server([self.orders], host="127.0.0.1", port=0, identity=identity, callers=callers)
        await server.start()
        await server.set_serving()
        yield server
        await server.stop(5)


def identity(mount: Mount, name: str, **said: bool) -> Identity:
    return Identity(
        ReloadingCertificate(CertificateFiles(mount.chain, mount.key, mount.authorities), name), **said
    )


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certificate_files, "_CHECK_SECONDS", 0.02)
    monkeypatch.setattr(channels, "_CONNECT_SECONDS", 0.3)


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(tmp_path)


@pytest.fixture
async def server(town: Town) -> AsyncIterator[Server]:
    async with town.server(identity(town.mount("order"), "order")) as server:
        yield server


@asynccontextmanager
async def channel(server: Server, caller: Identity | None) -> AsyncIterator[Channel]:
    channel = Channel(f"127.0.0.1:{server.port}", SERVICE, caller)
    await channel.open()
    yield channel
    await channel.close()


async def get(channel: Channel, order_id: str = "one") -> None:
    await channel.call("GetOrder", pb.GetOrderRequest(order_id=order_id), pb.GetOrderResponse)


async def close_orders(channel: Channel) -> None:
    await channel.call("CloseAccountOrders", pb.CloseAccountOrdersRequest(), pb.CloseAccountOrdersResponse)


@asynccontextmanager
async def plainly(server: Server, mount: Mount, trusts: Authority | None = None) -> AsyncIterator[Any]:
    """gRPC without kit.rpc: what a tool, or an intruder, has."""
    trusted = trusts.certificate if trusts is not None else mount.authorities
    files = [path.read_bytes() for path in (trusted, mount.key, mount.chain)]
    options = [("grpc.ssl_target_name_override", "order")]
    async with grpc.aio.secure_channel(
        f"127.0.0.1:{server.port}", grpc.ssl_channel_credentials(*files), options=options
    ) as channel:
        yield channel


def rejected(caller: str, enforced: str, method: str = "GetOrder") -> float:
    labels = {"service": SERVICE.full_name, "method": method, "caller": caller, "enforced": enforced}
    return REGISTRY.get_sample_value("souk_rpc_callers_rejected_total", labels) or 0.0


async def test_a_caller_that_is_listed_is_answered(town: Town, server: Server) -> None:
    async with channel(server, identity(town.mount("gateway"), "gateway")) as gateway:
        await get(gateway)
        await close_orders(gateway)
        await gateway.ping()


async def test_one_that_is_listed_for_an_rpc_has_that_one_only(town: Town, server: Server) -> None:
    async with channel(server, identity(town.mount("account"), "account")) as account:
        await close_orders(account)
        with pytest.raises(PermissionDenied) as rejection:
            await get(account)
    assert (rejection.value.reason, rejection.value.details) == ("CALLER_NOT_ALLOWED", {"caller": "account"})


async def test_a_valid_certificate_of_an_unlisted_service_is_rejected_and_counted(
    town: Town, server: Server
) -> None:
    before = rejected("intruder", "yes")
    mount = town.mount("intruder")
    async with channel(server, identity(mount, "intruder")) as intruder:
        with pytest.raises(PermissionDenied, match="intruder may not call"):
            await get(intruder)
    async with plainly(server, mount) as intruder:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await intruder.unary_unary(f"/{SERVICE.full_name}/GetOrder")(b"", timeout=5)
    assert failure.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert rejected("intruder", "yes") == before + 2


async def test_a_service_without_allowed_callers_rejects_everyone(town: Town) -> None:
    async with (
        town.server(identity(town.mount("order"), "order"), callers={}) as server,
        channel(server, identity(town.mount("gateway"), "gateway")) as gateway,
    ):
        with pytest.raises(PermissionDenied):
            await get(gateway)


@pytest.mark.parametrize("wrong", ["plain", "other authority", "expired", "not yet"])
async def test_who_does_not_prove_a_name_does_not_get_in(town: Town, server: Server, wrong: str) -> None:
    mounts: dict[str, Callable[[], Mount | None]] = {
        "plain": lambda: None,
        "other authority": lambda: town.mount("gateway", Authority(town.folder, "other")),
        "expired": lambda: town.mount("gateway", ends=-HOUR),
        "not yet": lambda: town.mount("gateway", starts=HOUR),
    }
    mount = mounts[wrong]()
    if mount is None:
        async with channel(server, None) as stranger:
            with pytest.raises(Unavailable):
                await get(stranger)
        return
    async with plainly(server, mount) as stranger:
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await stranger.unary_unary(f"/{SERVICE.full_name}/GetOrder")(b"", timeout=5)
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE


async def test_without_a_certificate_no_client_connects(town: Town, server: Server) -> None:
    trusted = grpc.ssl_channel_credentials(town.authority.certificate.read_bytes())
    options = [("grpc.ssl_target_name_override", "order")]
    async with grpc.aio.secure_channel(f"127.0.0.1:{server.port}", trusted, options=options) as stranger:
        call: Any = stranger.unary_unary(f"/{SERVICE.full_name}/GetOrder")
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await call(b"", timeout=5)
    assert failure.value.code() is grpc.StatusCode.UNAVAILABLE


@pytest.mark.parametrize("wrong", ["name", "authority", "expired"])
async def test_a_server_that_does_not_prove_its_name_is_not_called(town: Town, wrong: str) -> None:
    mount = {
        "name": lambda: town.mount("catalog"),
        "authority": lambda: town.mount("order", Authority(town.folder, "other")),
        "expired": lambda: town.mount("order", ends=-HOUR),
    }[wrong]()
    # Not kit.rpc's server, which does not start with these.
    server = grpc.aio.server()
    pair = (mount.key.read_bytes(), mount.chain.read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    gateway = Channel(f"127.0.0.1:{port}", SERVICE, identity(town.mount("gateway"), "gateway"))
    await gateway.open()
    with pytest.raises(Unavailable):
        await get(gateway)
    with pytest.raises(Unavailable):
        await gateway.ping()
    await gateway.close()
    await server.stop(0)


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
    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", server.port)
        await asyncio.sleep(0.5)
        await asyncio.gather(relay(reader, inner_writer), relay(inner_reader, writer))

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)
        writer.close()

    between = await asyncio.start_server(slowly, "127.0.0.1", 0)
    port = between.sockets[0].getsockname()[1]
    gateway = Channel(f"127.0.0.1:{port}", SERVICE, identity(town.mount("gateway"), "gateway"))
    await gateway.open()
    await get(gateway)
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


async def test_a_port_in_use_is_reported_in_every_mode(town: Town, server: Server) -> None:
    files = town.mount("order")
    for said in ({}, {"requires_tls": False}):
        other = Server(
            [town.orders], host="127.0.0.1", port=server.port, identity=identity(files, "order", **said)
        )
        with pytest.raises(OSError, match="cannot listen"):
            await other.start()


def test_entries_of_a_list_name_what_is_served() -> None:
    assert unknown_entries(CALLERS, [SERVICE]) == set()
    assert unknown_entries({"OrderService/Nothing": [], "StockService": []}, [SERVICE]) == {
        "OrderService/Nothing",
        "StockService",
    }
    assert unknown_entries({}, [account_service_pb2.DESCRIPTOR.services_by_name["AccountService"]]) == set()


async def test_health_and_reflection_are_open_to_every_certificate(town: Town, server: Server) -> None:
    async with plainly(server, town.mount("operator")) as operator:
        check = operator.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        answer = await check(health_pb2.HealthCheckRequest(service=SERVICE.full_name), timeout=5)
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
        ask = operator.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        requested = ask(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        allowed = await requested.read()
    assert SERVICE.full_name in {item.name for item in allowed.list_services_response.service}
