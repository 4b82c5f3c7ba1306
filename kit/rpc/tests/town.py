"""Services of one authority, over real servers with mutual TLS."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY
from souk.order.v1 import order_service_pb2 as pb

from kit.identity import CertificateFiles, Identity, ReloadingCertificate
from kit.identity import certificates as certificate_files
from kit.rpc import Call, Channel, Server
from kit.rpc import channel as channels
from kit.rpc.tests.orders import SERVICE
from kit.testing.certificates import Authority, Mount
from kit.testing.contracts import UnimplementedServicer

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
