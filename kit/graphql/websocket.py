"""The WebSocket endpoint: admits a socket and hands it to its session (kit.graphql.socket_session)."""

from contextlib import ExitStack
from typing import Any, Final
from urllib.parse import urlsplit

from litestar import WebSocket, websocket
from litestar.handlers import WebsocketRouteHandler

from kit.graphql.connections import ClientConnections, ConnectionLimit, TooManyConnections
from kit.graphql.endpoint import PATH
from kit.graphql.headers import Headers
from kit.graphql.operations import Operations
from kit.graphql.options import Options
from kit.graphql.socket_protocol import FORBIDDEN, PROTOCOL, TOO_MANY_REQUESTS
from kit.graphql.socket_session import SessionServices, SocketSession
from kit.rpc import Verifier
from kit.values import client_network

_NO_PROTOCOL: Final = 4406


class WebSocketEndpoint:
    """Checks origin, number of unauthenticated sockets and subprotocol."""

    def __init__(
        self,
        operations: Operations,
        verifier: Verifier,
        connections: ClientConnections,
        options: Options,
    ) -> None:
        self._services = SessionServices(operations, verifier, connections, options.sockets)
        self._client_address = Headers(options.browsers).client_address
        limit = options.sockets.max_unauthenticated
        message = f"an address may have up to {limit} unauthenticated sockets"
        self._unauthenticated: ConnectionLimit[str] = ConnectionLimit(limit, message)
        self._origins = {*options.browsers.socket_origins, *options.browsers.cors_origins}

    def route(self) -> WebsocketRouteHandler:
        """The route handler."""

        @websocket(PATH)
        async def graphql(socket: WebSocket[Any, Any, Any]) -> None:
            await self._handle(socket)

        return graphql

    async def _handle(self, socket: WebSocket[Any, Any, Any]) -> None:
        if not self._origin_allowed(socket):
            await socket.close(code=FORBIDDEN, reason="this origin is not allowed")
            return
        address = self._client_address(socket.scope)
        with ExitStack() as unauthenticated:
            try:
                unauthenticated.enter_context(self._unauthenticated.track(client_network(address)))
            except TooManyConnections as error:
                await socket.close(code=TOO_MANY_REQUESTS, reason=error.message)
                return
            if await _accept(socket):
                await SocketSession(self._services, socket, address, unauthenticated).run()

    def _origin_allowed(self, socket: WebSocket[Any, Any, Any]) -> bool:
        """Any page can open a socket, so its origin must be ours or an allowed one. Programs send no origin."""
        origin = socket.headers.get("origin")
        if not origin or "*" in self._origins:
            return True
        return origin in self._origins or urlsplit(origin).netloc == socket.headers.get("host")


async def _accept(socket: WebSocket[Any, Any, Any]) -> bool:
    """Whether the client offers our subprotocol. Closing with a code of the protocol requires accepting first."""
    is_offered = PROTOCOL in socket.scope["subprotocols"]
    await socket.accept(subprotocols=PROTOCOL if is_offered else None)
    if not is_offered:
        await socket.close(code=_NO_PROTOCOL, reason=f"the subprotocol must be {PROTOCOL}")
    return is_offered
