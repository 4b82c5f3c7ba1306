"""The drills that need certificates: one that expires soon, and a caller that is not allowed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import grpc

from dev.ports import Ports
from tests.alerts.drills import Drill
from tests.alerts.stack import Watched
from tests.alerts.traffic import Traffic
from tests.e2e.secured import SecuredStack

_METHOD: Final = "/souk.payment.v1.PaymentService/GetPayment"


def secured_stack(state: Path) -> SecuredStack:
    """Mutual TLS is required."""
    return SecuredStack(state, Ports.free(), products=4)


async def _expires(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    local = stack.local
    assert isinstance(local, SecuredStack)
    local.authority.issue(local.mounts["order"], "order", ends=timedelta(days=3))
    await alerts()
    local.renew()


async def _calls_without_right(
    stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]
) -> None:
    local = stack.local
    assert isinstance(local, SecuredStack)
    mount = local.mounts["notification"]
    files = (local.authority.certificate, mount.key, mount.chain)
    credentials = grpc.ssl_channel_credentials(*(file.read_bytes() for file in files))
    address, options = f"127.0.0.1:{stack.ports.payment_grpc}", [("grpc.default_authority", "payment")]

    async def call() -> None:
        async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
            method: Any = channel.unary_unary(_METHOD)
            with suppress(grpc.aio.AioRpcError):
                await method(b"", timeout=5)

    async with traffic.repeated(call):
        await alerts()


SECURED: Final = (
    Drill("a certificate expires soon", ("CertificateExpiring",), _expires),
    Drill("a service calls what it may not", ("RpcCallerRejected",), _calls_without_right),
)
