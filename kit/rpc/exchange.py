"""The server's side of `souk.rpc.v1`: many calls over one stream, each in a task of its own."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextvars import Context
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError, Message
from souk.rpc.v1 import call_service_pb2 as pb

from kit.errors import InvalidArgument, NotFound, ResourceExhausted, SoukError
from kit.rpc.handler import Handler, Incoming, names_of
from kit.rpc.sender import Sender
from kit.rpc.status import BODY_BYTES, encode

# As many as streams of their own would be allowed (kit.rpc.server).
_CALLS_AT_ONCE = 1000


class Served(NamedTuple):
    """One RPC: how its request is read, who answers it, and the domain of its errors."""

    parse: Callable[[bytes], Message]
    handle: Handler
    domain: str


class Exchanges:
    """Serves `CallService/Exchange` for the RPCs of a server; `served` by full name."""

    def __init__(self, served: Mapping[str, Served]) -> None:
        self._served = served
        self._open: set[_Exchange] = set()
        self._stopping = False

    async def serve(self, requests: Any, context: Any) -> None:
        """One stream, until the client has ended it and everything is answered."""
        exchange = _Exchange(self._served, context)
        self._open.add(exchange)
        if self._stopping:
            exchange.going_away()
        try:
            async for message in requests:
                exchange.take(message)
            await exchange.finish()
        finally:
            exchange.drop()
            self._open.discard(exchange)

    def going_away(self) -> None:
        """Asks clients to call elsewhere; what they have sent is answered."""
        self._stopping = True
        for exchange in self._open:
            exchange.going_away()


class _Exchange:
    """One stream."""

    def __init__(self, served: Mapping[str, Served], context: Any) -> None:
        self._served = served
        self._context = context
        self._peer: str = context.peer()
        # Those of the connection, which ends within minutes (kit.rpc.server): so does what a certificate was good for.
        self._names = names_of(context)
        self._sender: Sender[pb.CallResponse | None] = Sender(self._write, _nothing)
        self._running: dict[int, asyncio.Task[None]] = {}

    def take(self, message: pb.ExchangeRequest) -> None:
        """Starts what is asked for, stops what is not wanted any more."""
        for request in message.calls:
            if len(self._running) >= _CALLS_AT_ONCE:
                self._refuse(request, ResourceExhausted("too many calls at once", reason="TOO_MANY_CALLS"))
                continue
            # No call inherits what another left in its context.
            self._running[request.id] = asyncio.create_task(self._answer(request), context=Context())
        for number in message.cancelled:
            if (task := self._running.get(number)) is not None:
                task.cancel()

    async def finish(self) -> None:
        """Waits until everything that was taken is answered."""
        while self._running:
            await asyncio.wait(self._running.values())
        await self._sender.sent()

    def drop(self) -> None:
        """Stops what still runs: nobody is there for its answers."""
        for task in self._running.values():
            task.cancel()

    def going_away(self) -> None:
        """Says that the server is about to stop."""
        self._sender.put(0, None, 0)

    async def _answer(self, request: pb.CallRequest) -> None:
        try:
            served = self._served.get(request.method)
            if served is None:
                self._refuse(
                    request, NotFound(f"{request.method} is not served here", reason="UNIMPLEMENTED")
                )
                return
            try:
                message = served.parse(request.body)
            except DecodeError:
                self._refuse(request, InvalidArgument("the request cannot be read", reason="MALFORMED"))
                return
            outcome = await served.handle(
                message,
                Incoming(
                    request.correlation_id,
                    request.authorization,
                    request.client_address,
                    request.traceparent,
                    request.timeout_millis / 1000,
                    self._peer,
                    self._names,
                ),
            )
            if isinstance(outcome, SoukError):
                self._refuse(request, outcome, served.domain)
                return
            body = outcome.SerializeToString()
            if len(body) > BODY_BYTES:
                self._refuse(
                    request,
                    ResourceExhausted(f"an answer of {len(body)} bytes is too long", reason="TOO_LONG"),
                )
                return
            self._sender.put(request.id, pb.CallResponse(id=request.id, body=body), len(body))
        finally:
            del self._running[request.id]

    def _refuse(self, request: pb.CallRequest, error: SoukError, domain: str = "souk.rpc.v1") -> None:
        status = encode(error, domain)
        self._sender.put(request.id, pb.CallResponse(id=request.id, status=status), len(status))

    async def _write(self, frames: Sequence[pb.CallResponse | None]) -> None:
        answers = [frame for frame in frames if frame is not None]
        await self._context.write(pb.ExchangeResponse(answers=answers, going_away=len(answers) < len(frames)))


async def _nothing() -> None:
    """The server ends its side by returning."""
