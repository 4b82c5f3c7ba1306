"""Limits of an HTTP connection, on top of uvicorn's protocol: what an unknown client may occupy, and for how long.

uvicorn parses HTTP with httptools and WebSockets with websockets, which rejects a message by the length that its frames announce. Added
here are limits that uvicorn lacks: the size of a request's head, the time until it is complete, clients that do not read, and the rate of
WebSocket handshakes. Those of a WebSocket: `kit.web.websocket_connection`. Not here: body limits, which applications set.
"""

import asyncio
import socket
from typing import Any, ClassVar, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from kit.web.handshakes import HandshakeLimiter
from kit.web.websocket_connection import WebSocketConnection

# The longest head that browsers and proxies send, with room for cookies of other applications.
_MAX_HEAD_BYTES: Final = 64 * 1024
_UNREAD_SECONDS: Final = 60


def server_config(
    app: Any, host: str, port: int, *, head_seconds: float = 30.0, message_bytes: int = 16 * 1024
) -> Config:
    """uvicorn's configuration; the application's lifespan is required.

    `message_bytes` limits a WebSocket message until the application raises the limit.
    """

    class Http(HttpConnection):
        seconds = head_seconds
        handshakes = HandshakeLimiter()

    return Config(
        app,
        host=host,
        port=port,
        http=Http,
        ws=WebSocketConnection,
        ws_max_size=message_bytes,
        ws_per_message_deflate=False,
        ws_ping_interval=20.0,
        ws_ping_timeout=20.0,
        lifespan="on",
        access_log=False,
        log_config=None,
        log_level="critical",
        server_header=False,
        proxy_headers=False,
        backlog=1024,
        timeout_keep_alive=75,
    )


class HttpConnection(HttpToolsProtocol):
    """Accepts a head of at most 64 KiB (otherwise 431) within `seconds`; uvicorn's own timer closes idle connections.

    `handshakes` limits the rate of WebSocket handshakes.
    """

    seconds: ClassVar[float] = 30.0
    handshakes: ClassVar[HandshakeLimiter] = HandshakeLimiter()

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_bytes = 0
        self._head_started = False
        self._rejection = 400
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Of asyncio.Protocol."""
        super().connection_made(transport)
        _drop_slow_readers(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio.Protocol."""
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Of asyncio.Protocol."""
        super().data_received(data)
        if self._head_started or self._is_idle():
            self._head_bytes += len(data)
            if self._head_bytes > _MAX_HEAD_BYTES:
                self._reject(431)
            elif self._timer is None:
                self._arm()

    def on_message_begin(self) -> None:
        """Of httptools."""
        self._head_started = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Of httptools."""
        self._measure(len(url) + len(self.url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of httptools."""
        # Not by `_measure`: a request has more headers than anything else.
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > _MAX_HEAD_BYTES:
            self._measure(0)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Of httptools."""
        self._head_started, self._head_bytes = False, 0
        self._disarm()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Of uvicorn: the rest of the request has as much time as a head."""
        super().on_response_complete()
        if self.cycle.more_body and not self.transport.is_closing():
            self._arm()

    def on_message_complete(self) -> None:
        """Of httptools."""
        if self.cycle is not None and self.cycle.response_complete:
            self.cycle.more_body = False
            self._disarm()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Of uvicorn, when parsing fails."""
        self._reject(self._rejection)

    def timeout_keep_alive_handler(self) -> None:
        """Of uvicorn: closing waits until everything is written, which never happens with a client that does not read."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def handle_websocket_upgrade(self) -> None:
        """Of uvicorn: another protocol takes over the connection, once the rate of handshakes allows it."""
        self._disarm()
        wait = self.handshakes.reserve(self.loop.time())
        if wait is None:
            self._reject(503)
        elif wait == 0:
            super().handle_websocket_upgrade()
        else:
            # What the client sends before the response to its handshake stays in the kernel's buffer.
            self.transport.pause_reading()
            self._timer = self.loop.call_later(wait, self._upgrade)

    def _upgrade(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.resume_reading()
            super().handle_websocket_upgrade()

    def _is_idle(self) -> bool:
        return self.transport.get_protocol() is self and (self.cycle is None or self.cycle.response_complete)

    def _measure(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > _MAX_HEAD_BYTES:
            self._rejection = 431
            # httptools stops parsing, and uvicorn calls send_400_response.
            raise ValueError("the request head is too long")

    def _arm(self) -> None:
        self._disarm()
        self._timer = self.loop.call_later(self.seconds, self._time_out)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_out(self) -> None:
        self._timer = None
        if self._is_idle() and not self.transport.is_closing():
            if self._head_started:
                self._reject(408)
            else:
                self.transport.abort()

    def _reject(self, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()


def _drop_slow_readers(transport: asyncio.BaseTransport) -> None:
    """Makes the kernel close a connection whose client acknowledges no data for a minute."""
    connected = cast("socket.socket | None", transport.get_extra_info("socket"))
    if connected is not None and connected.family in (socket.AF_INET, socket.AF_INET6):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_SECONDS * 1000)
