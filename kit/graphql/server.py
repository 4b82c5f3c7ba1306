"""The GraphQL server of a service: wires execution, limits, rates and the three transports together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import strawberry
from litestar.handlers import WebsocketRouteHandler
from litestar.types import ASGIApp

from kit.cache import Cache
from kit.graphql.connections import ClientConnections
from kit.graphql.cost import FieldCosts
from kit.graphql.documents import Documents
from kit.graphql.endpoint import PATH, HttpEndpoint
from kit.graphql.execution import Executor
from kit.graphql.operations import ContextFactory, Operations
from kit.graphql.options import Options
from kit.graphql.persisted import PersistedDocuments
from kit.graphql.rate_limits import RateLimiter, RedisClient
from kit.graphql.values import TextLimits
from kit.graphql.websocket import WebSocketEndpoint
from kit.rpc import Verifier
from kit.web import Resource


@dataclass(frozen=True, slots=True)
class Api:
    """What is an API's own. `schema` comes from `build_schema`; `context` makes the resolvers' context for a caller."""

    schema: strawberry.Schema
    costs: FieldCosts
    texts: TextLimits
    context: ContextFactory


class GraphQLServer:
    """Serves one API at /graphql over HTTP, WebSocket (graphql-transport-ws) and Server-Sent Events.

    `http` is for `kit.web.build_app(direct=...)`, `routes` for its routes; `resources` are optional: without Redis, requests are neither
    rate limited nor found by their hash.
    """

    def __init__(
        self, api: Api, options: Options, verifier: Verifier, redis: RedisClient, documents: Cache
    ) -> None:
        rate_limiter = RateLimiter(redis, options.rates, options.name)
        persisted = PersistedDocuments(documents, options.allowed_documents)
        operations = Operations(make_executor(api, options), rate_limiter, persisted, api.context, options)
        self._connections = ClientConnections(
            options.max_connections, options.sockets.max_unauthenticated, verifier
        )
        endpoint = HttpEndpoint(operations, verifier, self._connections, options)
        socket = WebSocketEndpoint(operations, verifier, self._connections, options)
        self.http: Mapping[str, ASGIApp] = {PATH: endpoint}
        self.routes: Sequence[WebsocketRouteHandler] = [socket.route()]
        self.resources: Sequence[Resource] = [rate_limiter, documents]

    def close_connections(self) -> None:
        """Ends sockets and event streams, for a shutdown."""
        self._connections.close_all()


def make_executor(api: Api, options: Options) -> Executor:
    """The executor behind a server."""
    schema = api.schema._schema
    return Executor(
        schema,
        Documents(schema, api.costs, options),
        max_cost=options.documents.cost,
        max_text=api.texts.longest,
        suggestions=options.suggestions,
    )
