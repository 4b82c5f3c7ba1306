"""Limits of an HTTP or WebSocket connection, on top of uvicorn's protocols: what an unknown client may occupy, and for how long.

uvicorn parses HTTP with httptools and WebSockets with websockets, which rejects a message by the length that its frames announce. Added
here are limits that uvicorn lacks: the size of a request's head and the time until it is complete, clients that do not read, WebSocket
handshakes per second, and floods of control frames or empty fragments. Not here: body limits, which applications set.
"""

import asyncio
import socket
from typing import Any, ClassVar, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame

# As long as the longest head that browsers and proxies send, with room for cookies of others.
_MOST_HEAD_BYTES: Final = 64 * 1024
# Bytes that a client did not read yet; TCP's own buffers come first.
_MOST_UNREAD_BYTES: Final = 64 * 1024
_UNREAD_SECONDS: Final = 60
_CLOSE_SECONDS: Final = 5.0
# A close frame, and what was on its way.
_MOST_AFTER_CLOSE_BYTES: Final = 64 * 1024
# The loop reads up to 256 KiB at once, which may be 40,000 frames. All of a slice's frames are parsed, 12 us each, before the first is
# looked at.
_SLICE_BYTES: Final = 1024
# Clients that send a long message in fragments make them of some kilobytes.
_MAX_FRAGMENTS: Final = 128
_MOST_CONTROL_FRAMES: Final = 100
_CONTROL_SECONDS: Final = 10.0
# A handshake takes about half a millisecond of the event loop; at this rate a tenth of the loop's time.
_HANDSHAKES_PER_SECOND: Final = 200
# Answered without waiting after a quiet time.
_HANDSHAKE_BURST: Final = 20
# A handshake that would wait longer gets 503 at once.
_MAX_HANDSHAKE_WAIT_SECONDS: Final = 10.0
# Where an application finds the function that says how long a message of its socket may be from now on.
MESSAGE_LIMIT: Final = "souk.message_limit"


def server_config(
    app: Any, host: str, port: int, *, head_seconds: float = 30.0, message_bytes: int = 16 * 1024
) -> Config:
    """uvicorn's, for an application whose lifespan counts. `message_bytes` is how long a message of a socket may be until its
    application allows more."""

    class Http(HttpConnection):
        seconds = head_seconds
        handshakes = HandshakePace()

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


class HandshakePace:
    """Spreads the WebSocket handshakes of a server over time, so that a flood of them delays each other and not the requests."""

    def __init__(
        self,
        per_second: float = _HANDSHAKES_PER_SECOND,
        burst: int = _HANDSHAKE_BURST,
        max_wait_seconds: float = _MAX_HANDSHAKE_WAIT_SECONDS,
    ) -> None:
        self._interval = 1 / per_second
        self._burst_seconds = burst / per_second
        self._max_wait = max_wait_seconds
        self._next = 0.0

    def reserve(self, now: float) -> float | None:
        """Seconds until the next handshake may be answered, which is then taken; None if that is too long to wait."""
        start = max(self._next, now - self._burst_seconds)
        if start - now > self._max_wait:
            return None
        self._next = start + self._interval
        return max(0.0, start - now)


class HttpConnection(HttpToolsProtocol):
    """A head of at most 64 KiB (431 beyond) that comes within `seconds`; an idle connection is closed by uvicorn's own timer.

    A WebSocket handshake waits its turn in `handshakes`.
    """

    seconds: ClassVar[float] = 30.0
    handshakes: ClassVar[HandshakePace] = HandshakePace()

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._head_bytes = 0
        self._head_begun = False
        self._refusal = 400
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
        if self._head_begun or self._is_idle():
            self._head_bytes += len(data)
            if self._head_bytes > _MOST_HEAD_BYTES:
                self._refuse(431)
            elif self._timer is None:
                self._arm()

    def on_message_begin(self) -> None:
        """Of httptools."""
        self._head_begun = True
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Of httptools."""
        self._measure(len(url) + len(self.url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Of httptools."""
        self._measure(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Of httptools."""
        self._head_begun, self._head_bytes = False, 0
        self._disarm()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """Of uvicorn: what is left of the request has as long to come as a head."""
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
        """Of uvicorn, when the parser gives up."""
        self._refuse(self._refusal)

    def timeout_keep_alive_handler(self) -> None:
        """Of uvicorn: closing waits until all is written, which a client that does not read never lets happen."""
        if self.transport.get_write_buffer_size():
            self.transport.abort()
        else:
            super().timeout_keep_alive_handler()

    def handle_websocket_upgrade(self) -> None:
        """Of uvicorn: another protocol takes the connection over, as soon as the pace of handshakes allows."""
        self._disarm()
        wait = self.handshakes.reserve(self.loop.time())
        if wait is None:
            self._refuse(503)
        elif wait == 0:
            super().handle_websocket_upgrade()
        else:
            # What the client sends before its handshake is answered stays in the kernel's buffer.
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
        if self._head_bytes > _MOST_HEAD_BYTES:
            self._refusal = 431
            # httptools ends parsing, and uvicorn answers by send_400_response.
            raise ValueError("the head is too long")

    def _arm(self) -> None:
        self._disarm()
        self._timer = self.loop.call_later(self.seconds, self._late)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self._is_idle() and not self.transport.is_closing():
            if self._head_begun:
                self._refuse(408)
            else:
                self.transport.abort()

    def _refuse(self, status: int) -> None:
        if not self.transport.is_closing():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()


class WebSocketConnection(WebSocketsSansIOProtocol):
    """Messages as long as the application allows, from few fragments; a client that floods or does not read is dropped."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = _CLOSE_SECONDS
        self._unparsed = b""
        self._control_frames = 0
        self._control_until = 0.0
        self._ending: asyncio.TimerHandle | None = None

    def handle_connect(self, event: Any) -> None:
        """Of uvicorn: the application's task runs after this."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            cast("dict[str, Any]", self.scope["extensions"])[MESSAGE_LIMIT] = self._allow

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio.Protocol."""
        if self._ending is not None:
            self._ending.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Of asyncio.Protocol: no more is parsed than the application keeps up with."""
        data = self._unparsed + data
        if self.close_sent and len(data) > _MOST_AFTER_CLOSE_BYTES:
            self.transport.abort()
            return
        start = 0
        while start < len(data) and not self.read_paused and not self.transport.is_closing():
            super().data_received(data[start : start + _SLICE_BYTES])
            start += _SLICE_BYTES
        self._unparsed = data[start:]

    async def receive(self) -> Any:
        """Of uvicorn: a message has been taken, so that what was left may be parsed."""
        message = await super().receive()
        if self._unparsed and not self.read_paused:
            self.data_received(b"")
        return message

    def handle_cont(self, event: Frame) -> None:
        """Of uvicorn."""
        if len(self.frames) >= _MAX_FRAGMENTS:
            self._fail(CloseCode.MESSAGE_TOO_BIG, "too many fragments")
            return
        super().handle_cont(event)

    def handle_ping(self) -> None:
        """Of uvicorn."""
        if self._floods():
            return
        super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Of uvicorn."""
        if not self._floods():
            super().handle_pong(event)

    def shutdown(self) -> None:
        """Of uvicorn, at the end of the server."""
        super().shutdown()
        self._end_soon()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """Of uvicorn: the application is done with the socket."""
        super().on_task_complete(task)
        self._end_soon()

    def handle_parser_exception(self) -> None:
        """Of uvicorn: the client broke the protocol."""
        super().handle_parser_exception()
        self._end_soon()

    def keepalive_timeout(self) -> None:
        """Of uvicorn: the client does not answer pings."""
        super().keepalive_timeout()
        self._end_soon()

    def _allow(self, message_bytes: int) -> None:
        self.conn.max_message_size = message_bytes

    def _floods(self) -> bool:
        now = self.loop.time()
        if now > self._control_until:
            self._control_frames, self._control_until = 0, now + _CONTROL_SECONDS
        self._control_frames += 1
        unread = self.transport.get_write_buffer_size() > _MOST_UNREAD_BYTES
        if unread or self._control_frames > _MOST_CONTROL_FRAMES:
            self._fail(CloseCode.POLICY_VIOLATION, "too many pings")
            return True
        return False

    def _fail(self, code: CloseCode, reason: str) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.fail(code, reason)
        self.handle_parser_exception()

    def _end_soon(self) -> None:
        """Closing waits until all is written; a client that does not read is not waited for."""
        if self._ending is None:
            self._ending = self.loop.call_later(_CLOSE_SECONDS, self.transport.abort)


def _drop_slow_readers(transport: asyncio.BaseTransport) -> None:
    """The kernel ends a connection whose client takes nothing of what was sent for a minute."""
    connected = cast("socket.socket | None", transport.get_extra_info("socket"))
    if connected is not None and connected.family in (socket.AF_INET, socket.AF_INET6):
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _UNREAD_SECONDS * 1000)
