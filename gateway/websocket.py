"""GraphQL over WebSocket: the graphql-transport-ws protocol, for subscriptions above all.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. The token comes in connection_init's payload ({"Authorization":
"Bearer ..."}), never in a URL; the socket closes 4401 without one and 4403 once it is not valid any more.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import ExitStack, aclosing, suppress
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
import orjson
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect
from litestar.handlers import WebsocketRouteHandler

from gateway.admission import Admission
from gateway.context import Context
from gateway.errors import of_souk_error, unexpected
from gateway.execution import Executor
from gateway.headers import Headers
from gateway.listeners import SEND_SECONDS, AtMost, GoingAway, Listeners, TooManyListeners
from gateway.metrics import COST, OPERATIONS
from gateway.reading import BadBody, Body, read
from gateway.settings import Settings
from kit.auth import Principal, TokenVerifier, bearer_token
from kit.errors import SoukError, Unauthenticated
from kit.rpc import Call, current_call
from kit.telemetry import correlation_id, get_logger, new_correlation_id
from kit.values import client_network
from kit.values.deadline import deadline
from kit.web.websocket_connection import MESSAGE_LIMIT

log = get_logger(__name__)

PROTOCOL: Final = "graphql-transport-ws"
NORMAL: Final = 1000
GOING_AWAY: Final = 1001
POLICY_VIOLATION: Final = 1008
BAD_REQUEST: Final = 4400
UNAUTHORIZED: Final = 4401
FORBIDDEN: Final = 4403
NO_PROTOCOL: Final = 4406
INIT_TIMEOUT: Final = 4408
ALREADY_SUBSCRIBED: Final = 4409
TOO_MANY: Final = 4429
_CLOSE_SECONDS: Final = 5.0


class Message(msgspec.Struct):
    """What a client sends."""

    type: str
    id: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


_MESSAGE = msgspec.json.Decoder(Message)
_PARAMETERS = msgspec.json.Decoder(dict[str, Any] | None)


class _Closed(Exception):
    """The socket is to be closed with a code of the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Sockets:
    """The endpoint."""

    def __init__(
        self,
        settings: Settings,
        executor: Executor,
        context: Callable[[Principal | None], Context],
        verifier: TokenVerifier,
        admission: Admission,
        listeners: Listeners,
    ) -> None:
        self.admission = admission
        self.client = Headers(settings).client
        self.executor = executor
        self.context = context
        self.verifier = verifier
        self.seconds = settings.request_seconds.total_seconds()
        self.init_seconds = settings.socket_init_seconds.total_seconds()
        self.most_operations = settings.max_socket_operations
        self.most_bytes = settings.max_socket_message_bytes
        self.idle_seconds = settings.socket_idle_seconds.total_seconds()
        self.listeners = listeners
        most = settings.max_unsigned_sockets
        self.unsigned: AtMost[str] = AtMost(most, f"an address may have {most} sockets that did not sign in")
        self._origins = {*settings.socket_origins, *settings.cors_origins}

    def route(self) -> WebsocketRouteHandler:
        """The route; its HTTP twin is gateway.web's."""

        @websocket("/graphql")
        async def subscriptions(socket: WebSocket[Any, Any, Any]) -> None:
            if not self._welcome(socket):
                await socket.close(code=FORBIDDEN, reason="this origin is not allowed")
                return
            counted = ExitStack()
            try:
                counted.enter_context(self.unsigned.one_more(client_network(self.client(socket.scope))))
            except TooManyListeners as error:
                await socket.close(code=TOO_MANY, reason=error.message)
                return
            with counted:
                await self._welcomed(socket, counted)

        return subscriptions

    async def _welcomed(self, socket: WebSocket[Any, Any, Any], unsigned: ExitStack) -> None:
        offered = socket.scope["subprotocols"]
        await socket.accept(subprotocols=PROTOCOL if PROTOCOL in offered else None)
        if PROTOCOL not in offered:
            await socket.close(code=NO_PROTOCOL, reason=f"the subprotocol must be {PROTOCOL}")
            return
        await _Session(self, socket, unsigned).run()

    def _welcome(self, socket: WebSocket[Any, Any, Any]) -> bool:
        """A page of another site may open a socket unasked: its origin must be ours or a known one. Programs send none."""
        origin = socket.headers.get("origin")
        if not origin or "*" in self._origins:
            return True
        return origin in self._origins or urlsplit(origin).netloc == socket.headers.get("host")


class _Session:
    """One socket."""

    def __init__(self, sockets: Sockets, socket: WebSocket[Any, Any, Any], unsigned: ExitStack) -> None:
        self._sockets = sockets
        self._unsigned = unsigned
        self._socket = socket
        self._principal: Principal | None = None
        self._counted = ExitStack()
        self._running: dict[str, asyncio.Task[None]] = {}
        loop = asyncio.get_running_loop()
        self._spoke = loop.time()
        self._signed_in: asyncio.Future[Principal] = loop.create_future()
        self._closing: asyncio.Future[_Closed] = loop.create_future()

    async def run(self) -> None:
        """Serves the socket until either side ends it."""
        correlation_id.set(new_correlation_id(self._socket.headers.get("x-request-id")))
        reading = asyncio.create_task(self._read())
        watching = asyncio.create_task(self._watch())
        try:
            ends: list[asyncio.Future[Any]] = [reading, watching, self._closing]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = [reading, watching, *self._running.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._counted.close()
        # Once nothing else reads or writes: a server may wait with closing until a read has ended.
        if self._closing.done():
            end = self._closing.result()
            with suppress(WebSocketDisconnect, RuntimeError, OSError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await self._socket.close(code=end.code, reason=end.reason[:120])

    async def _read(self) -> None:
        try:
            while True:
                text = await self._socket.receive_data(mode="text")
                self._spoke = asyncio.get_running_loop().time()
                await self._take(_decoded(text, self._sockets.most_bytes))
        except (WebSocketDisconnect, OSError):
            pass
        except _Closed as end:
            self._close(end)
        except Exception:
            log.exception("socket.failed")
            self._close(_Closed(1011, "internal error"))

    async def _watch(self) -> None:
        """Ends the socket when nobody signs in, and when whoever did may not listen any longer."""
        try:
            principal = await asyncio.wait_for(asyncio.shield(self._signed_in), self._sockets.init_seconds)
        except TimeoutError:
            self._close(_Closed(INIT_TIMEOUT, "connection_init did not come in time"))
            return
        async with asyncio.TaskGroup() as group:
            idle = group.create_task(self._idle())
            ended = await self._sockets.listeners.ended(principal)
            self._close(_Closed(GOING_AWAY if isinstance(ended, GoingAway) else FORBIDDEN, ended.message))
            idle.cancel()

    async def _idle(self) -> None:
        """Ends the socket that has no operation and says nothing."""
        loop, most = asyncio.get_running_loop(), self._sockets.idle_seconds
        while (left := self._spoke + most - loop.time()) > 0 or self._running:
            await asyncio.wait([self._closing], timeout=max(left, most / 10))
        self._close(_Closed(NORMAL, "nothing was said for too long"))

    async def _take(self, message: Message) -> None:
        match message.type:
            case "connection_init":
                await self._init(message)
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "subscribe":
                self._subscribe(message)
            case "complete":
                if (task := self._running.get(message.id or "")) is not None:
                    task.cancel()
            case _:
                raise _Closed(BAD_REQUEST, "an unknown type of message")

    async def _init(self, message: Message) -> None:
        if self._principal is not None:
            raise _Closed(TOO_MANY, "connection_init came twice")
        try:
            given = {
                name.lower(): value for name, value in (_PARAMETERS.decode(message.payload) or {}).items()
            }
            token = bearer_token(str(given.get("authorization") or ""))
            if token is None:
                raise _Closed(UNAUTHORIZED, "connection_init must carry Authorization")
            principal = await self._sockets.verifier.verify(token)
        except (msgspec.MsgspecError, RecursionError):
            raise _Closed(BAD_REQUEST, "connection_init's payload must be an object") from None
        except Unauthenticated as error:
            raise _Closed(UNAUTHORIZED, error.message) from None
        try:
            self._counted.enter_context(self._sockets.listeners.one_more(principal))
        except TooManyListeners as error:
            raise _Closed(TOO_MANY, error.message) from None
        self._unsigned.close()
        extensions: dict[str, Any] = self._socket.scope.get("extensions") or {}
        if (allow := extensions.get(MESSAGE_LIMIT)) is not None:
            allow(self._sockets.most_bytes)
        self._principal = principal
        self._signed_in.set_result(principal)
        await self._send({"type": "connection_ack"})

    def _subscribe(self, message: Message) -> None:
        if self._principal is None:
            raise _Closed(UNAUTHORIZED, "connection_init comes first")
        if not message.id:
            raise _Closed(BAD_REQUEST, "subscribe must have an id")
        if message.id in self._running:
            raise _Closed(ALREADY_SUBSCRIBED, f"Subscriber for {message.id[:60]} already exists")
        payload = bytes(message.payload)
        try:
            body = read(payload)
        except BadBody as error:
            raise _Closed(BAD_REQUEST, error.message) from None
        if len(self._running) >= self._sockets.most_operations:
            raise _Closed(TOO_MANY, f"a socket may have {self._sockets.most_operations} operations at once")
        operating = self._operate(message.id, body, len(payload), self._principal)
        self._running[message.id] = asyncio.create_task(operating)

    async def _operate(self, number: str, body: Body, size: int, principal: Principal) -> None:
        """One operation to its end; what is cancelled ends without a word, because its client asked for that."""
        sockets = self._sockets
        address = sockets.client(self._socket.scope)
        current_call.set(Call(principal, correlation_id.get(), address))
        try:
            plan, spent = await sockets.admission.admit(body, size, principal, address)
            if not plan.is_subscription:
                # What is listened to has no end; all else has as long as over HTTP.
                deadline.set(time.monotonic() + sockets.seconds)
            COST.inc(spent.cost)
            if spent.refused is not None:
                raise spent.refused
            extensions = {"cost": spent.extension()}
            async with aclosing(sockets.executor.stream(plan, sockets.context(principal))) as answers:
                async for answer in answers:
                    if not answer.executed:
                        await self._send({"type": "error", "id": number, "payload": list(answer.errors)})
                        return
                    await self._send({"type": "next", "id": number, "payload": answer.body(extensions)})
            await self._send({"type": "complete", "id": number})
        except SoukError as error:
            OPERATIONS.labels("none", error.reason).inc()
            await self._send({"type": "error", "id": number, "payload": [of_souk_error(error)]})
        except (WebSocketDisconnect, OSError):
            pass
        except Exception:
            log.exception("socket.operation_failed")
            await self._send({"type": "error", "id": number, "payload": [unexpected()]})
        finally:
            self._running.pop(number, None)
            self._spoke = asyncio.get_running_loop().time()

    async def _send(self, message: dict[str, Any]) -> None:
        """Raises OSError when the socket is gone; closes it when the client does not read."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.send_data(orjson.dumps(message, default=str).decode(), mode="text")
        except TimeoutError:
            self._close(_Closed(POLICY_VIOLATION, "the client does not read"))
            raise
        except RuntimeError as error:
            # What uvicorn raises once it has closed the socket itself, for a breach of the protocol.
            raise ConnectionResetError("the socket is closed") from error

    def _close(self, end: _Closed) -> None:
        if not self._closing.done():
            self._closing.set_result(end)


def _decoded(text: str | bytes, most: int) -> Message:
    if len(text) > most:
        raise _Closed(BAD_REQUEST, f"a message may have {most:,} bytes at most")
    try:
        return _MESSAGE.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise _Closed(BAD_REQUEST, f"not a message of {PROTOCOL}: {error}") from None
