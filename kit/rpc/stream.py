"""The client's side of `souk.rpc.v1`: many calls over one stream."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any, NamedTuple

import grpc
from souk.rpc.v1 import call_service_pb2 as pb

from kit.errors import DeadlineExceeded, ResourceExhausted, SoukError, Unavailable
from kit.rpc.sender import Sender
from kit.rpc.status import BODY_BYTES, decode
from kit.telemetry import get_logger

log = get_logger("kit.rpc")

EXCHANGE = "/souk.rpc.v1.CallService/Exchange"
# A stream stays with the replica it was opened to, so now and then a new one is opened.
_RENEW_SECONDS = 60.0
# What gRPC says of a stream that ended before there was a connection to send it on; the second while a handshake of TLS fails.
_NEVER_SENT = ("failed to connect", "connections to all backends failing")


class NeverSent(Unavailable):
    """There was no connection to send the call on: it may be sent again, whatever it is."""

    reason = "PEER_UNAVAILABLE"


class Caller(NamedTuple):
    """What goes along with a call."""

    correlation_id: str = ""
    authorization: str = ""
    address: str = ""
    traceparent: str = ""


class Stream:
    """One exchange with a peer; it connects by itself and ends by itself when `usable` has become False.

    `ended` is called once nothing more comes on it.
    """

    def __init__(self, channel: Any, ended: Callable[[], None] | None = None) -> None:
        self.channel = channel
        self._exchange: Any = channel.stream_stream(
            EXCHANGE,
            request_serializer=pb.ExchangeRequest.SerializeToString,
            response_deserializer=pb.ExchangeResponse.FromString,
        )()
        self._loop = asyncio.get_running_loop()
        self._sender: Sender[pb.CallRequest | int] = Sender(self._write, self._exchange.done_writing)
        self._waiting: dict[int, asyncio.Future[bytes]] = {}
        self._made = 0
        self._retired = False
        self._renew = time.monotonic() + _RENEW_SECONDS
        # The stream is no call's own.
        self._reading = self._loop.create_task(self._read(), context=Context())
        if ended is not None:
            self._reading.add_done_callback(lambda _: ended())

    @property
    def usable(self) -> bool:
        """Whether further calls may be made on it."""
        return not self._retired and time.monotonic() < self._renew

    def retire(self) -> None:
        """Ends the stream once the calls made on it are answered."""
        if not self._retired:
            self._retired = True
            self._sender.end()

    async def call(self, method: str, body: bytes, timeout: float, caller: Caller) -> bytes:
        """The answer's bytes; raises what the peer raised, DeadlineExceeded, NeverSent, or Unavailable when the stream broke."""
        if len(body) > BODY_BYTES:
            raise ResourceExhausted(
                f"{method}: a request of {len(body)} bytes is too long", reason="TOO_LONG"
            )
        self._made += 1
        number, answer = self._made, self._loop.create_future()
        self._waiting[number] = answer
        request = pb.CallRequest(
            id=number,
            method=method,
            body=body,
            timeout_millis=max(1, int(timeout * 1000)),
            correlation_id=caller.correlation_id,
            authorization=caller.authorization,
            client_address=caller.address,
            traceparent=caller.traceparent,
        )
        self._sender.put(number, request, len(body))
        timer = self._loop.call_later(timeout, _expire, answer, method)
        try:
            outcome: bytes = await answer
            return outcome
        finally:
            timer.cancel()
            # Still waiting: the caller has given up.
            if self._waiting.pop(number, None) is not None and not self._sender.take_back(number):
                self._sender.put(-number, number, 0)

    async def _write(self, frames: Sequence[pb.CallRequest | int]) -> None:
        calls = [frame for frame in frames if not isinstance(frame, int)]
        cancelled = [frame for frame in frames if isinstance(frame, int)]
        await self._exchange.write(pb.ExchangeRequest(calls=calls, cancelled=cancelled))

    async def _read(self) -> None:
        ended: SoukError = Unavailable("the call was cut off", reason="PEER_UNAVAILABLE")
        try:
            while (message := await self._exchange.read()) is not grpc.aio.EOF:
                for answer in message.answers:
                    self._answer(answer)
                if message.going_away:
                    self.retire()
        except grpc.aio.AioRpcError as failure:
            ended = _error(failure)
            if failure.code() is not grpc.StatusCode.UNAVAILABLE:
                log.warning("rpc.stream_broke", code=failure.code().name, details=failure.details())
            # For logs of ours; what is passed on names no host.
            ended.__cause__ = failure
        finally:
            self._retired = True
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(_copy(ended))
            self._waiting.clear()

    def _answer(self, answer: pb.CallResponse) -> None:
        waiting = self._waiting.pop(answer.id, None)
        if waiting is None or waiting.done():
            return
        if answer.status:
            waiting.set_exception(decode(answer.status))
        else:
            waiting.set_result(answer.body)


def _expire(answer: asyncio.Future[bytes], method: str) -> None:
    if not answer.done():
        answer.set_exception(DeadlineExceeded(f"{method}: DEADLINE_EXCEEDED"))


def _error(failure: grpc.aio.AioRpcError) -> SoukError:
    """What gRPC says itself names hosts and ports, which are nobody's business outside."""
    code, details = failure.code(), failure.details() or ""
    if code is grpc.StatusCode.UNAVAILABLE and any(each in details.lower() for each in _NEVER_SENT):
        return NeverSent(f"{code.name}")
    # Whatever gRPC calls it, the stream is gone and its calls with it. A write that a peer's end has crossed is INTERNAL to grpc.aio;
    # what a peer itself calls so comes in a frame.
    return Unavailable(f"{code.name}: the call was cut off", reason="PEER_UNAVAILABLE")


def _copy(error: SoukError) -> SoukError:
    """One for each caller: a traceback grows where an exception is raised."""
    copied = type(error)(error.message, reason=error.reason)
    copied.__cause__ = error.__cause__
    return copied
