"""A GraphQL server for any service: execution, cost, limits, persisted documents, rate limits, HTTP, WebSocket and SSE.

It knows nothing of an API's types: schema, costs, limits, authentication and context come in by `GraphQLServer`'s constructor. Not here:
the types and the resolvers.
"""

from kit.graphql.context import ResolverContext, or_none, page_request, selects
from kit.graphql.cost import FieldCosts
from kit.graphql.options import (
    BrowserOptions,
    DocumentLimits,
    HttpOptions,
    Options,
    RateLimits,
    SocketOptions,
)
from kit.graphql.paging import After, Connection, Edge, First, PageRequest
from kit.graphql.persisted import AllowList
from kit.graphql.playground import playground_routes
from kit.graphql.postman import postman_collection
from kit.graphql.relations import relation
from kit.graphql.scalars import SCALARS, Amount, CountryCode, CurrencyCode, Instant, PathStep
from kit.graphql.schema import build_schema
from kit.graphql.server import Api, GraphQLServer
from kit.graphql.settings import GraphQLSettings, options_from_settings
from kit.graphql.values import TextLimits

__all__ = [
    "SCALARS",
    "After",
    "AllowList",
    "Amount",
    "Api",
    "BrowserOptions",
    "Connection",
    "CountryCode",
    "CurrencyCode",
    "DocumentLimits",
    "Edge",
    "FieldCosts",
    "First",
    "GraphQLServer",
    "GraphQLSettings",
    "HttpOptions",
    "Instant",
    "Options",
    "PageRequest",
    "PathStep",
    "RateLimits",
    "ResolverContext",
    "SocketOptions",
    "TextLimits",
    "build_schema",
    "options_from_settings",
    "or_none",
    "page_request",
    "playground_routes",
    "postman_collection",
    "relation",
    "selects",
]
