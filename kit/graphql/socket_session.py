"""One client's session of the graphql-transport-ws protocol.

https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md. The token comes in connection_init's payload ({"Authorization":
"Bearer ..."}), never in a URL; the socket closes with 4401 without one and with 4403 once it is revoked.
"""

import asyncio
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import orjson
from litestar import WebSocket
from litestar.exceptions import WebSocketDisconnect

from kit.auth import Principal, bearer_token
from kit.errors import SoukError, Unauthenticated
from kit.graphql.connections import SEND_SECONDS, ClientConnections, ShuttingDown, TooManyConnections
from kit.graphql.errors import format_internal_error, format_souk_error
from kit.graphql.metrics import COST, OPERATIONS
from kit.graphql.operations import Client, Operations
from kit.graphql.options import SocketOptions
from kit.graphql.parsing import BadValue, GraphQLRequest
from kit.graphql.socket_protocol import (
    ALREADY_SUBSCRIBED,
    BAD_REQUEST,
    FORBIDDEN,
    INIT_TIMEOUT,
    INTERNAL_ERROR,
    NORMAL,
    POLICY_VIOLATION,
    SHUTTING_DOWN,
    TOO_MANY_REQUESTS,
    TRY_AGAIN_LATER,
    UNAUTHORIZED,
    Closing,
    Message,
    decode_message,
    parse_payload,
)
from kit.rpc import Verifier
from kit.telemetry import correlation_id, get_logger, new_correlation_id
from kit.web.websocket_connection import MESSAGE_LIMIT

log = get_logger(__name__)

_CLOSE_SECONDS: Final = 5.0
_PARAMETERS = msgspec.json.Decoder(dict[str, Any] | None)


@dataclass(frozen=True, slots=True)
class SessionServices:
    """What all sessions share."""

    operations: Operations
    verifier: Verifier
    connections: ClientConnections
    options: SocketOptions


class SocketSession:
    """Serves one accepted socket. `unauthenticated` counts it until it signs in."""

    def __init__(
        self,
        services: SessionServices,
        socket: WebSocket[Any, Any, Any],
        address: str,
        unauthenticated: ExitStack,
    ) -> None:
        self._services = services
        self._options = services.options
        self._socket = socket
        self._address = address
        self._unauthenticated = unauthenticated
        self._authenticated = ExitStack()
        self._principal: Principal | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        # Completed by the client, until their tasks have ended.
        self._cancelled: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        self._last_activity = loop.time()
        self._signed_in: asyncio.Future[Principal] = loop.create_future()
        self._closing: asyncio.Future[Closing] = loop.create_future()

    async def run(self) -> None:
        """Serves the socket until either side closes it."""
        correlation_id.set(new_correlation_id(self._socket.headers.get("x-request-id")))
        reading = asyncio.create_task(self._read())
        watching = asyncio.create_task(self._watch())
        try:
            ends: list[asyncio.Future[Any]] = [reading, watching, self._closing]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            tasks = [reading, watching, *self._operations.values(), *self._cancelled]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._authenticated.close()
        # After the tasks have ended: a server may not complete the close while a read is pending.
        if self._closing.done():
            await self._close_socket(self._closing.result())

    async def _close_socket(self, closing: Closing) -> None:
        with suppress(WebSocketDisconnect, RuntimeError, OSError):
            async with asyncio.timeout(_CLOSE_SECONDS):
                # A close frame has room for 123 bytes of reason.
                await self._socket.close(code=closing.code, reason=closing.reason[:120])

    async def _read(self) -> None:
        try:
            while True:
                text = await self._socket.receive_data(mode="text")
                self._touch()
                await self._handle(decode_message(text, self._options.max_message_bytes))
        except (WebSocketDisconnect, OSError):
            pass
        except Closing as closing:
            self._close(closing)
        except Exception:
            log.exception("socket.failed")
            self._close(Closing(INTERNAL_ERROR, "internal error"))

    async def _watch(self) -> None:
        """Closes the socket when its client does not sign in, becomes idle, or its token is revoked."""
        try:
            principal = await asyncio.wait_for(asyncio.shield(self._signed_in), self._options.init_seconds)
        except TimeoutError:
            self._close(Closing(INIT_TIMEOUT, "Connection initialisation timeout"))
            return
        async with asyncio.TaskGroup() as group:
            idle = group.create_task(self._close_when_idle())
            reason = await self._services.connections.wait_until_revoked(principal)
            code = SHUTTING_DOWN if isinstance(reason, ShuttingDown) else FORBIDDEN
            self._close(Closing(code, reason.message))
            idle.cancel()

    async def _close_when_idle(self) -> None:
        """Idle: no operation, and no message for `idle_seconds`."""
        loop, limit = asyncio.get_running_loop(), self._options.idle_seconds
        while (left := self._last_activity + limit - loop.time()) > 0 or self._operations:
            await asyncio.wait([self._closing], timeout=max(left, limit / 10))
        self._close(Closing(NORMAL, "the socket was idle for too long"))

    async def _handle(self, message: Message) -> None:
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
                self._complete(message)
            case _:
                raise Closing(BAD_REQUEST, "unknown message type")

    async def _init(self, message: Message) -> None:
        if self._principal is not None:
            raise Closing(TOO_MANY_REQUESTS, "Too many initialisation requests")
        principal = await self._authenticate(message)
        try:
            self._authenticated.enter_context(self._services.connections.track(principal, self._address))
        except TooManyConnections as error:
            raise Closing(TOO_MANY_REQUESTS, error.message) from None
        self._unauthenticated.close()
        self._raise_message_limit()
        self._principal = principal
        self._signed_in.set_result(principal)
        await self._send({"type": "connection_ack"})

    async def _authenticate(self, message: Message) -> Principal:
        try:
            payload = _PARAMETERS.decode(message.payload) or {}
            parameters = {name.lower(): value for name, value in payload.items()}
            token = bearer_token(str(parameters.get("authorization") or ""))
            if token is None:
                raise Closing(UNAUTHORIZED, "connection_init must carry Authorization")
            return await self._services.verifier.verify(token)
        except (msgspec.MsgspecError, RecursionError):
            raise Closing(BAD_REQUEST, "connection_init's payload must be an object") from None
        except Unauthenticated as error:
            raise Closing(UNAUTHORIZED, error.message) from None
        except SoukError as error:
            raise Closing(TRY_AGAIN_LATER, error.message) from None

    def _raise_message_limit(self) -> None:
        """The server accepts only short messages from unauthenticated clients."""
        extensions: dict[str, Any] = self._socket.scope.get("extensions") or {}
        if (set_limit := extensions.get(MESSAGE_LIMIT)) is not None:
            set_limit(self._options.max_message_bytes)

    def _subscribe(self, message: Message) -> None:
        if self._principal is None:
            raise Closing(UNAUTHORIZED, "Unauthorized")
        if not message.id:
            raise Closing(BAD_REQUEST, "subscribe must have an id")
        if message.id in self._operations:
            raise Closing(ALREADY_SUBSCRIBED, f"Subscriber for {message.id[:60]} already exists")
        limit = self._options.max_operations
        if len(self._operations) >= limit:
            raise Closing(TOO_MANY_REQUESTS, f"a socket may have up to {limit} operations")
        payload = bytes(message.payload)
        client = Client(self._principal, self._address)
        operation = self._run(message.id, parse_payload(payload), len(payload), client)
        self._operations[message.id] = asyncio.create_task(operation)

    def _complete(self, message: Message) -> None:
        """Cancels an operation. Its client may use the id again immediately."""
        if (task := self._operations.pop(message.id or "", None)) is not None:
            self._cancelled.add(task)
            task.add_done_callback(self._cancelled.discard)
            task.cancel()

    async def _run(
        self, operation_id: str, request: GraphQLRequest | BadValue, size: int, client: Client
    ) -> None:
        """Runs an operation and reports its failure. An operation that its client completed ends silently."""
        try:
            await self._send_results(operation_id, request, size, client)
        except SoukError as error:
            OPERATIONS.labels("none", error.reason).inc()
            await self._send_error(operation_id, format_souk_error(error))
        except (WebSocketDisconnect, OSError):
            pass
        except Exception:
            log.exception("socket.operation_failed")
            await self._send_error(operation_id, format_internal_error())
        finally:
            if self._operations.get(operation_id) is asyncio.current_task():
                del self._operations[operation_id]
            self._touch()

    async def _send_results(
        self, operation_id: str, request: GraphQLRequest | BadValue, size: int, client: Client
    ) -> None:
        """Sends an operation's results; raises SoukError for one that is not admitted."""
        operations = self._services.operations
        if isinstance(request, BadValue):
            charge = await operations.charge_rejected(client.address)
            COST.inc(charge.cost)
            raise charge.rejection or request
        plan, charge = await operations.admit(request, size, client)
        COST.inc(charge.cost)
        if charge.rejection is not None:
            raise charge.rejection
        extensions = {"cost": charge.extension()}
        async with aclosing(operations.stream(plan, client)) as results:
            async for result in results:
                if not result.executed:
                    await self._send_error(operation_id, *result.errors)
                    return
                await self._send({"type": "next", "id": operation_id, "payload": result.body(extensions)})
        await self._send({"type": "complete", "id": operation_id})

    async def _send_error(self, operation_id: str, *errors: dict[str, Any]) -> None:
        await self._send({"type": "error", "id": operation_id, "payload": list(errors)})

    async def _send(self, message: dict[str, Any]) -> None:
        """Raises OSError when the socket is closed; closes it when the client does not read."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._socket.send_data(orjson.dumps(message, default=str).decode(), mode="text")
        except TimeoutError:
            self._close(Closing(POLICY_VIOLATION, "the client does not read"))
            raise
        except RuntimeError as error:
            # uvicorn raises it after it closed the socket itself for a violation of the protocol.
            raise ConnectionResetError("the socket is closed") from error

    def _touch(self) -> None:
        self._last_activity = asyncio.get_running_loop().time()

    def _close(self, closing: Closing) -> None:
        if not self._closing.done():
            self._closing.set_result(closing)
