"""A service for the tests of kit.service, run as a process of its own."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from litestar import get
from litestar.response import Stream
from souk.order.v1 import order_service_pb2 as pb

from kit.auth import Principal
from kit.errors import FailedPrecondition, Unauthenticated, Unavailable
from kit.rpc import Call
from kit.service import Service, run
from kit.settings import BaseSettings, setting
from kit.testing.contracts import UnimplementedServicer


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """What the tests set."""

    up_after_seconds: float = setting("How long its resource refuses to open", default=0.0)
    broken: bool = setting("Whether its resource never opens, for a reason of its own", default=False)
    late_until: str = setting(
        "The file without which its late resource is down; empty: no such resource", default=""
    )
    awaited_seconds: timedelta = setting("How long it awaits the late resource", default=timedelta(0))
    unfit: bool = setting("Whether its optional resource is there and lacks something", default=False)
    database_url: str = setting("Not used", development="none", secret=True)


class Part:
    """A resource that comes up late, or never."""

    name = "part"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._up_at = time.monotonic() + settings.up_after_seconds

    async def open(self) -> None:
        if self._settings.broken:
            raise RuntimeError("broken for good")
        if time.monotonic() < self._up_at:
            raise Unavailable("not yet")

    async def close(self) -> None:
        print('{"event": "part.closed"}', flush=True)

    async def ping(self) -> None: ...


class Down:
    """An optional resource that never works."""

    name = "down"

    def __init__(self, settings: Settings) -> None:
        self._unfit = settings.unfit

    async def open(self) -> None:
        if self._unfit:
            raise FailedPrecondition("lacks a plugin")

    async def close(self) -> None: ...

    async def ping(self) -> None:
        raise Unavailable("down")


class Late:
    """An optional resource that works while a file exists."""

    name = "late"

    def __init__(self, settings: Settings) -> None:
        self._file = Path(settings.late_until)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ping(self) -> None:
        if not self._file.exists():
            raise Unavailable("late")


class Ticks:
    """A job."""

    name = "ticks"

    async def open(self) -> None:
        print('{"event": "job.opened"}', flush=True)

    async def close(self) -> None:
        print('{"event": "job.closed"}', flush=True)


class OrderRpc(UnimplementedServicer):
    """Answers slowly when asked for a slow order."""

    service = pb.DESCRIPTOR.services_by_name["OrderService"]

    async def get_order(self, request: pb.GetOrderRequest, call: Call) -> pb.GetOrderResponse:
        if request.order_id == "slow":
            print('{"event": "slow.started"}', flush=True)
            await asyncio.sleep(0.5)
        response = pb.GetOrderResponse()
        response.order.id = request.order_id
        return response

    async def place_order(self, request: pb.PlaceOrderRequest, call: Call) -> pb.PlaceOrderResponse:
        return pb.PlaceOrderResponse()

    async def list_orders(self, request: pb.ListOrdersRequest, call: Call) -> pb.ListOrdersResponse:
        return pb.ListOrdersResponse()


ENDING: list[asyncio.Event] = []


class RejectAll:
    """Knows no token."""

    async def verify(self, token: str) -> Principal:
        raise Unauthenticated("unknown")


@get("/slow")
async def slow() -> str:
    """A request that takes its time."""
    print('{"event": "slow.started"}', flush=True)
    await asyncio.sleep(0.5)
    return "done"


@get("/endless")
async def endless() -> Stream:
    """An answer that ends when the service does."""
    ended = asyncio.Event()
    ENDING.append(ended)

    async def chunks() -> AsyncIterator[str]:
        yield "started"
        await ended.wait()
        yield ", ended"

    return Stream(chunks())


def end() -> None:
    """What would not end by itself."""
    for ended in ENDING:
        ended.set()


async def greet(args: Sequence[str]) -> None:
    """A command."""
    print("hello", *args)


def build(settings: Settings) -> Service:
    """The service."""
    down = Down(settings)
    late = [Late(settings)] if settings.late_until else []
    return Service(
        name="shop",
        settings=settings,
        resources=[Part(settings)],
        optional=[down, *late],
        awaited=late,
        awaited_for=settings.awaited_seconds,
        rpc=[OrderRpc()],
        routes=[slow, endless],
        jobs=[Ticks()],
        commands={"greet": greet},
        verifier=RejectAll(),
        on_drained=end,
    )


if __name__ == "__main__":
    os.environ.setdefault("LOG_LEVEL", "INFO")
    run(build, Settings)
