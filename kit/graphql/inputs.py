"""Builds the values of input types from what a client sent, with the names and types of their fields looked up once.

Strawberry looks them up again for each field of each value, which takes most of the time of a mutation with a long list.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING
from typing import Any

from strawberry import UNSET
from strawberry.types.arguments import InputContext
from strawberry.types.base import StrawberryMaybe

from graphql import (
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
)

# None: the value stays as it is.
Conversion = Callable[[Any], Any] | None


class Inputs:
    """Gives the input types of a schema that `strawberry.Schema` made a `from_input`, Strawberry's hook for types that build their values.

    Raises TypeError for a type with a field of type Maybe, which Strawberry would no longer check.
    """

    def __init__(self, schema: GraphQLSchema) -> None:
        kinds = [kind for kind in schema.type_map.values() if isinstance(kind, GraphQLInputObjectType)]
        self._builders = {kind.name: _Builder(kind) for kind in kinds}
        for kind in kinds:
            builder = self._builders[kind.name]
            builder.use(self._builders)
            kind.extensions["strawberry-definition"].from_input = builder.from_input

    def conversion(self, kind: GraphQLInputType) -> Conversion:
        """Makes the values of an argument from those that graphql-core has coerced."""
        return _conversion(kind, self._builders)


class _Builder:
    """Builds values of one type."""

    def __init__(self, kind: GraphQLInputObjectType) -> None:
        self._kind = kind
        definition = kind.extensions["strawberry-definition"]
        if any(isinstance(field.type, StrawberryMaybe) for field in definition.fields):
            raise TypeError(f"{kind.name} has a field of type Maybe")
        self._type = definition.origin
        # Nullable fields without a default, as in Strawberry.
        self._absent = {
            field.python_name: None
            for field in definition.fields
            if field.default_value is MISSING and field.default_factory is MISSING
        }
        self._fields: dict[str, tuple[str, Conversion]] = {}

    def use(self, builders: Mapping[str, "_Builder"]) -> None:
        """The builders of all types, whose values the fields may hold."""
        self._fields = {
            name: (field.extensions["strawberry-definition"].python_name, _conversion(field.type, builders))
            for name, field in self._kind.fields.items()
        }

    def build(self, value: Mapping[str, Any]) -> Any:
        """From fields that graphql-core has coerced, by their names in the schema."""
        arguments: dict[str, Any] = self._absent.copy()
        for name, item in value.items():
            python_name, conversion = self._fields[name]
            arguments[python_name] = item if conversion is None else conversion(item)
        return self._type(**arguments)

    def from_input(self, cls: type, value: Mapping[str, Any], context: InputContext) -> Any:
        """Called by Strawberry."""
        return self.build(value)


def _conversion(kind: GraphQLInputType, builders: Mapping[str, _Builder]) -> Conversion:
    if isinstance(kind, GraphQLNonNull):
        kind = kind.of_type
    if isinstance(kind, GraphQLInputObjectType):
        return _unless_absent(builders[kind.name].build)
    if isinstance(kind, GraphQLList):
        # Lists are copied, because graphql-core passes the same default to every request.
        convert = _conversion(kind.of_type, builders)
        return _unless_absent(list if convert is None else lambda items: [convert(item) for item in items])
    return None


def _unless_absent(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: value if value is None or value is UNSET else convert(value)
