"""The client side of `souk.rpc.v1`: many calls over one stream."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any, NamedTuple

import grpc
from souk.rpc.v1 import call_service_pb2 as pb

from kit.errors import DeadlineExceeded, ResourceExhausted, SoukError, Unavailable
from kit.rpc.coalescing_writer import CoalescingWriter
from kit.rpc.status import BODY_BYTES, decode
from kit.telemetry import get_logger

log = get_logger("kit.rpc")

EXCHANGE = "/souk.rpc.v1.CallService/Exchange"
# A stream is bound to one replica, so it is replaced after this time.
_RENEW_SECONDS = 60.0
# gRPC's messages for a stream that ended before there was a connection: while TLS handshakes fail, and while the name has no address.
_NOT_SENT = ("failed to connect", "connections to all backends failing", "errors resolving")


class NotSent(Unavailable):
    """The call was not sent, for lack of a connection, so it may be retried even if it is not idempotent."""

    reason = "PEER_UNAVAILABLE"


class CallContext(NamedTuple):
    """The metadata of a call."""

    correlation_id: str = ""
    authorization: str = ""
    address: str = ""
    traceparent: str = ""


class Stream:
    """One stream to a peer; it connects by itself, and ends by itself after `usable` became False.

    `on_end` is called when the stream has ended.
    """

    def __init__(self, channel: Any, on_end: Callable[[], None] | None = None) -> None:
        self.channel = channel
        self._stream: Any = channel.stream_stream(
            EXCHANGE,
            request_serializer=pb.ExchangeRequest.SerializeToString,
            response_deserializer=pb.ExchangeResponse.FromString,
        )()
        self._loop = asyncio.get_running_loop()
        self._writer: CoalescingWriter[pb.CallRequest | int] = CoalescingWriter(
            self._write, self._stream.done_writing
        )
        self._pending: dict[int, asyncio.Future[bytes]] = {}
        self._last_id = 0
        self._retired = False
        self._expires_at = time.monotonic() + _RENEW_SECONDS
        # A fresh context: the stream belongs to no call.
        self._reading = self._loop.create_task(self._read(), context=Context())
        if on_end is not None:
            self._reading.add_done_callback(lambda _: on_end())

    @property
    def usable(self) -> bool:
        """Whether further calls may use it."""
        return not self._retired and time.monotonic() < self._expires_at

    def retire(self) -> None:
        """Ends the stream once its calls have completed."""
        if not self._retired:
            self._retired = True
            self._writer.end()

    async def call(self, method: str, body: bytes, timeout: float, context: CallContext) -> bytes:
        """The serialized response; raises the peer's error, DeadlineExceeded, NotSent, or Unavailable when the stream breaks."""
        if len(body) > BODY_BYTES:
            raise ResourceExhausted(
                f"{method}: the request of {len(body)} bytes is too long", reason="TOO_LONG"
            )
        self._last_id += 1
        call_id, response = self._last_id, self._loop.create_future()
        self._pending[call_id] = response
        request = pb.CallRequest(
            id=call_id,
            method=method,
            body=body,
            timeout_millis=max(1, int(timeout * 1000)),
            correlation_id=context.correlation_id,
            authorization=context.authorization,
            client_address=context.address,
            traceparent=context.traceparent,
        )
        self._writer.put(call_id, request, len(body))
        timer = self._loop.call_later(timeout, _expire, response, method)
        try:
            outcome: bytes = await response
            return outcome
        finally:
            timer.cancel()
            # Still pending: the caller was cancelled or timed out.
            if self._pending.pop(call_id, None) is not None and not self._writer.withdraw(call_id):
                self._writer.put(-call_id, call_id, 0)

    async def _write(self, frames: Sequence[pb.CallRequest | int]) -> None:
        calls = [frame for frame in frames if not isinstance(frame, int)]
        cancelled = [frame for frame in frames if isinstance(frame, int)]
        await self._stream.write(pb.ExchangeRequest(calls=calls, cancelled=cancelled))

    async def _read(self) -> None:
        error: SoukError = Unavailable("the connection was closed during the call", reason="PEER_UNAVAILABLE")
        try:
            while (message := await self._stream.read()) is not grpc.aio.EOF:
                for response in message.answers:
                    self._complete(response)
                if message.going_away:
                    self.retire()
        except grpc.aio.AioRpcError as failure:
            error = _error(failure)
            if failure.code() is not grpc.StatusCode.UNAVAILABLE:
                log.warning("rpc.stream_closed", code=failure.code().name, details=failure.details())
            # For our logs only: gRPC's message contains host names, ours does not.
            error.__cause__ = failure
        finally:
            self._retired = True
            for pending in self._pending.values():
                if not pending.done():
                    pending.set_exception(_copy(error))
            self._pending.clear()

    def _complete(self, response: pb.CallResponse) -> None:
        pending = self._pending.pop(response.id, None)
        if pending is None or pending.done():
            return
        if response.status:
            pending.set_exception(decode(response.status))
        else:
            pending.set_result(response.body)


def _expire(response: asyncio.Future[bytes], method: str) -> None:
    if not response.done():
        response.set_exception(DeadlineExceeded(f"{method}: DEADLINE_EXCEEDED"))


def _error(failure: grpc.aio.AioRpcError) -> SoukError:
    """Converts gRPC's own error without its message, which contains host names and ports."""
    code, details = failure.code(), failure.details() or ""
    if code is grpc.StatusCode.UNAVAILABLE and any(marker in details.lower() for marker in _NOT_SENT):
        return NotSent(f"{code.name}")
    # Any status here means that the stream broke, for example INTERNAL when a write crossed the peer's end of stream. Errors of the peer
    # itself arrive in frames.
    return Unavailable(f"{code.name}: the connection was closed during the call", reason="PEER_UNAVAILABLE")


def _copy(error: SoukError) -> SoukError:
    """A copy for each caller, because raising one exception several times grows its traceback."""
    copied = type(error)(error.message, reason=error.reason)
    copied.__cause__ = error.__cause__
    return copied
