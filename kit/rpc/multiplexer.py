"""The server side of `souk.rpc.v1`: many calls over one stream, each in its own task."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError, Message
from souk.rpc.v1 import call_service_pb2 as pb

from kit.errors import InvalidArgument, NotFound, ResourceExhausted, SoukError
from kit.rpc.coalescing_writer import CoalescingWriter
from kit.rpc.handler import CallMetadata, Handler, certificate_names
from kit.rpc.status import BODY_BYTES, encode

# The same limit as for separate streams (kit.rpc.server).
_MAX_CALLS = 1000


class MethodHandler(NamedTuple):
    """One RPC: the parser of its request, its handler, and the domain of its errors."""

    parse: Callable[[bytes], Message]
    handle: Handler
    domain: str


class CallMultiplexer:
    """Serves `CallService/Exchange` for the RPCs of a server; `methods` by full name."""

    def __init__(self, methods: Mapping[str, MethodHandler]) -> None:
        self._methods = methods
        self._streams: set[_MultiplexedStream] = set()
        self._stopping = False

    async def serve(self, requests: Any, context: Any) -> None:
        """Serves one stream until the client ends it and every call has a response."""
        stream = _MultiplexedStream(self._methods, context)
        self._streams.add(stream)
        if self._stopping:
            stream.announce_shutdown()
        try:
            async for message in requests:
                stream.handle(message)
            await stream.finish()
        finally:
            stream.cancel_all()
            self._streams.discard(stream)

    def announce_shutdown(self) -> None:
        """Asks clients to use another replica; calls that they already sent are completed."""
        self._stopping = True
        for stream in self._streams:
            stream.announce_shutdown()


class _MultiplexedStream:
    """One stream."""

    def __init__(self, methods: Mapping[str, MethodHandler], context: Any) -> None:
        self._methods = methods
        self._context = context
        self._peer: str = context.peer()
        # Checked once per connection, which ends within minutes (kit.rpc.server), and with it an expired certificate's access.
        self._caller_names = certificate_names(context)
        self._writer: CoalescingWriter[pb.CallResponse | None] = CoalescingWriter(self._write, _nothing)
        self._running: dict[int, asyncio.Task[None]] = {}

    def handle(self, message: pb.ExchangeRequest) -> None:
        """Starts the requested calls and cancels the cancelled ones."""
        for request in message.calls:
            if len(self._running) >= _MAX_CALLS:
                self._reject(request, ResourceExhausted("too many calls at once", reason="TOO_MANY_CALLS"))
                continue
            # A fresh context, so that no call inherits another call's context variables.
            self._running[request.id] = asyncio.create_task(self._run(request), context=Context())
        for number in message.cancelled:
            if (task := self._running.get(number)) is not None:
                task.cancel()

    async def finish(self) -> None:
        """Waits until every call has a response and all responses are sent."""
        while self._running:
            await asyncio.wait(self._running.values())
        await self._writer.flush()

    def cancel_all(self) -> None:
        """Cancels running calls, whose client is gone."""
        for task in self._running.values():
            task.cancel()

    def announce_shutdown(self) -> None:
        """Informs the client that the server is about to stop."""
        self._writer.put(0, None, 0)

    async def _run(self, request: pb.CallRequest) -> None:
        try:
            method = self._methods.get(request.method)
            if method is None:
                self._reject(
                    request, NotFound(f"{request.method} is not implemented here", reason="UNIMPLEMENTED")
                )
                return
            try:
                message = method.parse(request.body)
            except DecodeError:
                self._reject(request, InvalidArgument("malformed request", reason="MALFORMED"))
                return
            outcome = await method.handle(
                message,
                CallMetadata(
                    request.correlation_id,
                    request.authorization,
                    request.client_address,
                    request.traceparent,
                    request.timeout_millis / 1000,
                    self._peer,
                    self._caller_names,
                ),
            )
            if isinstance(outcome, SoukError):
                self._reject(request, outcome, method.domain)
                return
            body = outcome.SerializeToString()
            if len(body) > BODY_BYTES:
                self._reject(
                    request,
                    ResourceExhausted(f"the response of {len(body)} bytes is too long", reason="TOO_LONG"),
                )
                return
            self._writer.put(request.id, pb.CallResponse(id=request.id, body=body), len(body))
        finally:
            del self._running[request.id]

    def _reject(self, request: pb.CallRequest, error: SoukError, domain: str = "souk.rpc.v1") -> None:
        status = encode(error, domain)
        self._writer.put(request.id, pb.CallResponse(id=request.id, status=status), len(status))

    async def _write(self, frames: Sequence[pb.CallResponse | None]) -> None:
        responses = [frame for frame in frames if frame is not None]
        await self._context.write(
            pb.ExchangeResponse(answers=responses, going_away=len(responses) < len(frames))
        )


async def _nothing() -> None:
    """Nothing to do: the server ends its side of the stream by returning."""
