"""Serves the HTTP application of a service with uvicorn, on the current event loop."""

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
    """uvicorn's server without its signal handlers."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Of uvicorn."""
        yield


async def serve(lifecycle: Lifecycle, stopped: asyncio.Event) -> None:
    """Serves until `stopped` is set or a signal arrives, then drains; raises OSError when the port is in use."""
    settings = lifecycle.service.settings
    _require_free_port(settings.http_host, settings.http_port)

    @asynccontextmanager
    async def lifespan(_: Any) -> AsyncIterator[None]:
        lifecycle.start()
        yield
        await lifecycle.stop()

    app = build_app(
        lifecycle.service.routes,
        lifecycle.readiness,
        raw_asgi_routes=lifecycle.service.raw_asgi_routes,
        lifespan=[lifespan],
    )
    config = server_config(app, settings.http_host, settings.http_port)
    config.timeout_graceful_shutdown = max(1, round(settings.shutdown_grace_seconds.total_seconds()))
    server = _Server(config)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    shutdown = asyncio.create_task(_shut_down(lifecycle, stopped, server))
    await server.serve()
    shutdown.cancel()


async def _shut_down(lifecycle: Lifecycle, stopped: asyncio.Event, server: Server) -> None:
    await stopped.wait()
    log.info("service.stopping")
    await lifecycle.drain()
    # uvicorn stops accepting connections, completes requests in flight, then ends the lifespan.
    server.should_exit = True


def _require_free_port(host: str, port: int) -> None:
    # uvicorn would report this only after everything else has started.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise OSError(f"HTTP cannot listen on {host}:{port}: {error.strerror}") from error
