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

    def connection(self) -> asyncio.Protocol:
        """The protocol of a connection that uvicorn did not accept itself; it counts as one of its own."""
        protocol: Any = self.config.http_protocol_class
        connection: asyncio.Protocol = protocol(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return connection

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Of uvicorn."""
        yield


async def serve(lifecycle: Lifecycle, stopped: asyncio.Event) -> None:
    """Serves until `stopped` is set or a signal arrives, then drains; raises OSError when the port is in use."""
    settings = lifecycle.service.settings
    # uvicorn would report a port in use only after everything else has started.
    _bound(settings.http_host, settings.http_port).close()

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


async def _shut_down(lifecycle: Lifecycle, stopped: asyncio.Event, server: _Server) -> None:
    sharing = asyncio.create_task(_share_port(lifecycle, server))
    await stopped.wait()
    log.info("service.stopping")
    sharing.cancel()
    await lifecycle.drain()
    # uvicorn stops accepting connections, completes requests in flight, then ends the lifespan.
    server.should_exit = True


async def _share_port(lifecycle: Lifecycle, server: _Server) -> None:
    """Also accepts connections of the shared port once the service is ready, until cancelled.

    The kernel distributes them over all processes that listen.
    """
    settings = lifecycle.service.settings
    if not settings.http_shared_port:
        return
    await lifecycle.serving.wait()
    try:
        with _bound(settings.http_host, settings.http_shared_port, socket.SO_REUSEPORT) as listener:
            accepting = await asyncio.get_running_loop().create_server(
                server.connection, sock=listener, backlog=server.config.backlog
            )
            await accepting.serve_forever()
    except OSError as error:
        log.error("service.start_failed", error=str(error))
        lifecycle.failed()


def _bound(host: str, port: int, option: int = socket.SO_REUSEADDR) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, option, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise OSError(f"HTTP cannot listen on {host}:{port}: {error.strerror}") from error
    return bound
