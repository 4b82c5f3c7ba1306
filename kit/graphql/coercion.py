"""Functions that coerce the variables of an operation, made once instead of looking at its types for every value of every request.

They accept values that are plainly as the schema says. For anything else they raise, and graphql-core coerces the variables, with its exact
errors.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final, NamedTuple, cast

from graphql import (
    GRAPHQL_MAX_INT,
    GRAPHQL_MIN_INT,
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    GraphQLString,
    Undefined,
    VariableDefinitionNode,
)
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource
from graphql.type import is_required_input_field
from graphql.utilities.coerce_input_value import coerce_default_value

Coercion = Callable[[Any], Any]


class UnusualInput(Exception):
    """graphql-core must coerce the variables."""


class _Field(NamedTuple):
    """A field of an input type. `absent` is its value when it is not given: Undefined for none, `_REQUIRED` where it must be given."""

    name: str
    out_name: str
    coerce: Coercion
    absent: Any


_REQUIRED: Final = object()


class Coercions:
    """The functions of the input types of one schema, each made when it is first needed."""

    def __init__(self) -> None:
        self._objects: dict[str, Coercion] = {}

    def of(self, kind: GraphQLInputType) -> Coercion:
        """Coerces what a client sent as JSON to a value of this type; raises UnusualInput."""
        if isinstance(kind, GraphQLNonNull):
            return self._present(kind.of_type)
        present = self._present(kind)
        return lambda value: None if value is None else present(value)

    def _present(self, kind: GraphQLInputType) -> Coercion:
        if isinstance(kind, GraphQLInputObjectType):
            return self._objects.get(kind.name) or self._object(kind)
        if isinstance(kind, GraphQLList):
            return _list(self.of(kind.of_type))
        return _SCALARS.get(kind) or _leaf(cast("GraphQLLeafType", kind))

    def _object(self, kind: GraphQLInputObjectType) -> Coercion:
        fields: list[_Field] = []
        is_one_of = kind.is_one_of

        def coerce(value: Any) -> Any:
            if value.__class__ is not dict or is_one_of:
                raise UnusualInput
            result, given = {}, 0
            for name, out_name, coerce_field, absent in fields:
                item = value.get(name, Undefined)
                if item is not Undefined:
                    given += 1
                    result[out_name] = coerce_field(item)
                elif absent is _REQUIRED:
                    raise UnusualInput
                elif absent is not Undefined:
                    result[out_name] = absent
            if given < len(value):
                raise UnusualInput
            return kind.out_type(result)

        # Known before its fields, because they may be of the same type.
        self._objects[kind.name] = coerce
        for name, field in kind.fields.items():
            absent = _REQUIRED if is_required_input_field(field) else coerce_default_value(field)
            fields.append(_Field(name, field.out_name or name, self.of(field.type), absent))
        return coerce


class Variables:
    """The variables of one operation."""

    def __init__(
        self, schema: GraphQLSchema, definitions: Collection[VariableDefinitionNode], coercions: Coercions
    ) -> None:
        """Raises GraphQLError for a type that is no input type."""
        self._variables = [
            (
                signature.name,
                signature,
                coercions.of(signature.type),
                isinstance(signature.type, GraphQLNonNull),
            )
            for signature in (_signature(schema, definition) for definition in definitions)
        ]

    def coerce(self, given: Mapping[str, Any]) -> VariableValues:
        """The values as graphql-core coerces them; raises UnusualInput."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for name, signature, coerce, required in self._variables:
            value = given.get(name, Undefined)
            sources[name] = VariableValueSource(signature, value)
            if value is not Undefined:
                coerced[name] = coerce(value)
            elif signature.default is not None:
                coerced[name] = _default(signature)
            elif required:
                raise UnusualInput
        return VariableValues(sources, coerced)


def _signature(schema: GraphQLSchema, definition: VariableDefinitionNode) -> GraphQLVariableSignature:
    signature = get_variable_signature(schema, definition)
    if isinstance(signature, GraphQLError):
        raise signature
    return signature


def _default(signature: GraphQLVariableSignature) -> Any:
    try:
        return coerce_default_value(signature)
    except TypeError as error:
        raise UnusualInput from error


def _list(coerce: Coercion) -> Coercion:
    def coerce_list(value: Any) -> Any:
        # Instead of a list of one, its item may be given.
        if value.__class__ is not list:
            raise UnusualInput
        return [coerce(item) for item in value]

    return coerce_list


def _leaf(kind: GraphQLLeafType) -> Coercion:
    def coerce(value: Any) -> Any:
        if value is None:
            raise UnusualInput
        try:
            result = kind.coerce_input_value(value)
        except Exception as error:
            raise UnusualInput from error
        if result is Undefined:
            raise UnusualInput
        return result

    return coerce


def _text(value: Any) -> Any:
    if value.__class__ is not str:
        raise UnusualInput
    return value


def _boolean(value: Any) -> Any:
    if value.__class__ is not bool:
        raise UnusualInput
    return value


def _int(value: Any) -> Any:
    if value.__class__ is not int or not GRAPHQL_MIN_INT <= value <= GRAPHQL_MAX_INT:
        raise UnusualInput
    return value


_SCALARS: Final[Mapping[GraphQLInputType, Coercion]] = {
    GraphQLString: _text,
    GraphQLID: _text,
    GraphQLBoolean: _boolean,
    GraphQLInt: _int,
}
