"""Mutual TLS between services, over real servers: who is answered, and who is refused."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from souk.account.v1 import account_service_pb2

from kit.errors import PermissionDenied, Unavailable
from kit.rpc import Channel, Server
from kit.rpc.allowed_callers import unknown_entries
from kit.rpc.tests.orders import SERVICE
from kit.rpc.tests.town import (
    CALLERS,
    HOUR,
    Town,
    channel,
    close_orders,
    get,
    identity,
    looked_at_often,
    plainly,
    rejected,
    server,
    town,
)
from kit.testing.certificates import Authority, Mount

__all__ = ["looked_at_often", "server", "town"]


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
