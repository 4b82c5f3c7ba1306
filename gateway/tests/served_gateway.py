"""The gateway on a port of its own, with short limits."""

from collections.abc import AsyncIterator

import pytest

from gateway.tests.listening import Listening
from gateway.tests.served import serving

ENVIRONMENT = {
    "PROXY_HOPS": "1",
    "SOCKET_INIT_SECONDS": "0.3",
    "MAX_UNSIGNED_SOCKETS": "3",
    "SOCKET_IDLE_SECONDS": "60",
    "BODY_SECONDS": "1",
}


@pytest.fixture
async def port(world: Listening) -> AsyncIterator[int]:
    async with serving(world.app(ENVIRONMENT), head_seconds=0.3) as port:
        yield port
