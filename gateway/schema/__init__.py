"""The GraphQL schema: one room per service it fronts; names, arguments and nullability are the public API.

Resolvers ask `info.context.peers` and nothing else. Plain fields have no resolver: they are attributes, and read as such.
"""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import strawberry
from graphql import GraphQLObjectType
from strawberry.schema.config import StrawberryConfig

from gateway.inputs import limit_arguments
from gateway.schema.root import Mutation, Query
from gateway.schema.scalars import SCALARS
from gateway.schema.subscription import Subscription


def build_schema() -> strawberry.Schema:
    """The schema."""
    schema = strawberry.Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        config=StrawberryConfig(scalar_map=SCALARS),
    )
    for kind in schema._schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            _read_plainly(kind)
    limit_arguments(schema._schema)
    return schema


def _read_plainly(kind: GraphQLObjectType) -> None:
    """Strawberry's way to an attribute takes two calls more, and a page of products has a hundred of them."""
    for field in kind.fields.values():
        if getattr(field.resolve, "_is_default", False):
            field.resolve = _attribute(field.extensions["strawberry-definition"].python_name)


def _attribute(name: str) -> Callable[..., Any]:
    read = attrgetter(name)
    return lambda source, _info: read(source)
