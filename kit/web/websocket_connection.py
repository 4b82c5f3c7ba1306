"""Limits of a WebSocket connection, on top of uvicorn's protocol: message size, fragments, control frames, clients that do not read."""

import asyncio
from typing import Any, Final, cast

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode, Frame

# Sent bytes that the client has not read; TCP's own buffers come first.
_MAX_UNREAD_BYTES: Final = 64 * 1024
_CLOSE_SECONDS: Final = 5.0
# After our close frame: the client's close frame, and data that was in flight.
_MAX_BYTES_AFTER_CLOSE: Final = 64 * 1024
# The event loop reads up to 256 KiB at once, which may be 40,000 frames. All frames of a slice are parsed, 12 us each, before the first is
# handled.
_SLICE_BYTES: Final = 1024
# Clients that fragment a long message send fragments of some kilobytes.
_MAX_FRAGMENTS: Final = 128
_MAX_CONTROL_FRAMES: Final = 100
_CONTROL_SECONDS: Final = 10.0
# The scope extension with the function that sets the maximum size of further messages.
MESSAGE_LIMIT: Final = "souk.message_limit"


class WebSocketConnection(WebSocketsSansIOProtocol):
    """Limits the size of messages and their fragments; drops a client that floods or does not read."""

    def __init__(
        self, config: Config, server_state: ServerState, app_state: dict[str, Any], _loop: Any = None
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.close_timeout = _CLOSE_SECONDS
        self._unparsed = b""
        self._control_frames = 0
        self._control_until = 0.0
        self._abort_timer: asyncio.TimerHandle | None = None

    def handle_connect(self, event: Any) -> None:
        """Of uvicorn, before the application's task runs."""
        super().handle_connect(event)
        if self.response.status_code == 101:
            cast("dict[str, Any]", self.scope["extensions"])[MESSAGE_LIMIT] = self._set_message_limit

    def connection_lost(self, exc: Exception | None) -> None:
        """Of asyncio.Protocol."""
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Of asyncio.Protocol: parsing stops while the application lags behind."""
        data = self._unparsed + data
        if self.close_sent and len(data) > _MAX_BYTES_AFTER_CLOSE:
            self.transport.abort()
            return
        start = 0
        while start < len(data) and not self.read_paused and not self.transport.is_closing():
            super().data_received(data[start : start + _SLICE_BYTES])
            start += _SLICE_BYTES
        self._unparsed = data[start:]

    async def receive(self) -> Any:
        """Of uvicorn: the application took a message, so parsing may continue."""
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
        """Of uvicorn, when the server shuts down."""
        super().shutdown()
        self._abort_soon()

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """Of uvicorn: the application has finished."""
        super().on_task_complete(task)
        self._abort_soon()

    def handle_parser_exception(self) -> None:
        """Of uvicorn: the client violated the protocol."""
        super().handle_parser_exception()
        self._abort_soon()

    def keepalive_timeout(self) -> None:
        """Of uvicorn: the client does not answer pings."""
        super().keepalive_timeout()
        self._abort_soon()

    def _set_message_limit(self, message_bytes: int) -> None:
        self.conn.max_message_size = message_bytes

    def _floods(self) -> bool:
        now = self.loop.time()
        if now > self._control_until:
            self._control_frames, self._control_until = 0, now + _CONTROL_SECONDS
        self._control_frames += 1
        unread = self.transport.get_write_buffer_size() > _MAX_UNREAD_BYTES
        if unread or self._control_frames > _MAX_CONTROL_FRAMES:
            self._fail(CloseCode.POLICY_VIOLATION, "too many pings")
            return True
        return False

    def _fail(self, code: CloseCode, reason: str) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        self.conn.fail(code, reason)
        self.handle_parser_exception()

    def _abort_soon(self) -> None:
        """Bounds the close, which otherwise waits until a client that does not read has read everything."""
        if self._abort_timer is None:
            self._abort_timer = self.loop.call_later(_CLOSE_SECONDS, self.transport.abort)
