"""Makes a schema whose fields resolve fast and whose arguments are limited."""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.types.scalar import ScalarDefinition

from graphql import GraphQLObjectType
from kit.graphql.completion import ATTRIBUTE
from kit.graphql.inputs import Inputs
from kit.graphql.resolvers import call_resolvers_directly
from kit.graphql.values import TextLimits, limit_arguments


def build_schema(
    query: type,
    mutation: type | None = None,
    subscription: type | None = None,
    *,
    scalars: Mapping[object, ScalarDefinition] | None = None,
    texts: TextLimits,
) -> strawberry.Schema:
    """A Strawberry schema for `GraphQLServer`; its context is a `ResolverContext`, whose loaders each mutation clears first."""
    schema = strawberry.Schema(
        query=query,
        mutation=mutation,
        subscription=subscription,
        config=StrawberryConfig(scalar_map=dict(scalars or {})),
    )
    for kind in schema._schema.type_map.values():
        if isinstance(kind, GraphQLObjectType):
            _use_attribute_resolvers(kind)
    call_resolvers_directly(schema._schema, Inputs(schema._schema))
    if schema._schema.mutation_type is not None:
        _clear_loaders_first(schema._schema.mutation_type)
    limit_arguments(schema._schema, texts)
    return schema


def _clear_loaders_first(mutations: GraphQLObjectType) -> None:
    """Mutations of one document run in order, and the results of the later ones must show the changes."""
    for field in mutations.fields.values():
        field.resolve = _clearing(field.resolve)


def _clearing(resolve: Callable[..., Any] | None) -> Callable[..., Any]:
    assert resolve is not None

    def cleared(source: Any, info: Any, **arguments: Any) -> Any:
        info.context.clear_loaders()
        return resolve(source, info, **arguments)

    return cleared


def _use_attribute_resolvers(kind: GraphQLObjectType) -> None:
    """Strawberry's default resolver takes two more calls per field, and a page of products has a hundred fields."""
    for field in kind.fields.values():
        if getattr(field.resolve, "_is_default", False):
            field.resolve = _attribute_resolver(field.extensions["strawberry-definition"].python_name)


def _attribute_resolver(name: str) -> Callable[..., Any]:
    read = attrgetter(name)

    def resolve(source: Any, _info: Any) -> Any:
        return read(source)

    setattr(resolve, ATTRIBUTE, name)
    return resolve
