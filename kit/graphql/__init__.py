"""A GraphQL server for any service: execution, cost, limits, persisted documents, rate limits, HTTP, WebSocket and SSE.

It knows nothing of an API's types: schema, costs, limits, authentication and context come in by `GraphQLServer`'s constructor. Not here:
the types, the resolvers, and the playground.
"""

from kit.graphql.cost import FieldCosts
from kit.graphql.options import (
    BrowserOptions,
    DocumentLimits,
    HttpOptions,
    Options,
    RateLimits,
    SocketOptions,
)
from kit.graphql.persisted import AllowList
from kit.graphql.relations import relation
from kit.graphql.schema import build_schema
from kit.graphql.server import Api, GraphQLServer
from kit.graphql.values import TextLimits

__all__ = [
    "AllowList",
    "Api",
    "BrowserOptions",
    "DocumentLimits",
    "FieldCosts",
    "GraphQLServer",
    "HttpOptions",
    "Options",
    "RateLimits",
    "SocketOptions",
    "TextLimits",
    "build_schema",
    "relation",
]
