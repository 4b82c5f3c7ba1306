"""Serves the HTTP application of a service with uvicorn, in this process and on this loop."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from uvicorn.server import Server

from kit.service.lifecycle import Lifecycle
from kit.telemetry import get_logger
from kit.web import build_app
from kit.web.connections import server_config

log = get_logger(__name__)


class _Server(Server):
    """uvicorn's, which leaves signals to us."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Of uvicorn."""
        yield


async def serve(life: Lifecycle, stopped: asyncio.Event) -> None:
    """Serves until `stopped` is set or a signal comes, then drains; raises OSError when the port is taken."""
    settings = life.service.settings
    _port_must_be_free(settings.http_host, settings.http_port)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        life.start()
        yield
        await life.stop()

    app = build_app(
        life.service.routes, life.readiness, raw_asgi_routes=life.service.raw_asgi_routes, lifespan=[lifespan]
    )
    config = server_config(app, settings.http_host, settings.http_port)
    config.timeout_graceful_shutdown = max(1, round(settings.shutdown_grace_seconds.total_seconds()))
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    ending = asyncio.create_task(_end(life, stopped, server))
    await server.serve()
    ending.cancel()


async def _end(life: Lifecycle, stopped: asyncio.Event, server: Server) -> None:
    await stopped.wait()
    log.info("service.stopping")
    await life.drain()
    # uvicorn takes no new connections, ends the requests in flight, then the lifespan.
    server.should_exit = True


def _port_must_be_free(host: str, port: int) -> None:
    # uvicorn would say so in its own words, and only once everything else is up.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OSError(f"HTTP cannot listen on {host}:{port}: {error.strerror}") from error
