"""Generated Python that completes the values of one selection: what graphql-core does field by field, without a call per field.

It completes values that are as the schema says. For anything else it raises, and graphql-core completes the value, with its exact errors.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLScalarType,
    Undefined,
)
from graphql.execution.collect_fields import FieldDetails

Completion = Callable[[Any], Any]
FieldSet = Mapping[str, list[FieldDetails]]
# The fields of an object type that the nodes of a field select, by response name.
SubFields = Callable[[GraphQLObjectType, list[FieldDetails]], FieldSet]

# Set on the resolvers of fields that read an attribute: its name.
ATTRIBUTE: Final = "souk_attribute"
_PLAIN: Final = frozenset({str, int, float, bool, Decimal})
_MAX_INT: Final = 2**31 - 1
_MIN_INT: Final = -(2**31)


class UnusualValue(Exception):
    """graphql-core must complete the value."""


class _NotCompiled(Exception):
    """The selection has a field that only graphql-core can execute."""


def compile_completion(
    kind: GraphQLOutputType, details: list[FieldDetails], sub_fields: SubFields, max_fields: int
) -> tuple[Completion | None, int]:
    """A function that completes values of this type for these field nodes, and the number of fields, these included.

    None for a selection with a resolver below, or with more than `max_fields` fields.
    """
    generator = _Generator(sub_fields, max_fields)
    try:
        return generator.compile(kind, details), generator.fields
    except _NotCompiled:
        return None, 0


class _Generator:
    """Writes one function for each object of the selection, and one for the whole value."""

    def __init__(self, sub_fields: SubFields, max_fields: int) -> None:
        self._sub_fields = sub_fields
        self._max_fields = max_fields
        self.fields = 1
        self._functions: list[str] = []
        self._names: dict[str, Any] = {"Unusual": UnusualValue, "plain": _PLAIN, "Undefined": Undefined}

    def compile(self, kind: GraphQLOutputType, details: list[FieldDetails]) -> Completion:
        lines = self._complete(kind, details, "value", 1)
        self._functions.append("\n".join(["def complete(value):", *lines, "    return value"]))
        # The text has no part of the document but response names, which are quoted by repr().
        exec(compile("\n".join(self._functions), "<completion>", "exec"), self._names)  # noqa: S102
        completion: Completion = self._names["complete"]
        return completion

    def _complete(
        self, kind: GraphQLOutputType, details: list[FieldDetails], name: str, level: int
    ) -> list[str]:
        """Lines that replace the value of the variable `name` by the completed one."""
        indent = "    " * level
        if isinstance(kind, GraphQLNonNull):
            return [
                f"{indent}if {name} is None: raise Unusual",
                *self._present(kind.of_type, details, name, level),
            ]
        return [f"{indent}if {name} is not None:", *self._present(kind, details, name, level + 1)]

    def _present(
        self, kind: GraphQLOutputType, details: list[FieldDetails], name: str, level: int
    ) -> list[str]:
        indent = "    " * level
        if isinstance(kind, GraphQLObjectType):
            return [f"{indent}{name} = {self._object(kind, details)}({name})"]
        if isinstance(kind, GraphQLList):
            item, items = self._name("item"), self._name("items")
            return [
                f"{indent}if {name}.__class__ is not list and {name}.__class__ is not tuple: raise Unusual",
                f"{indent}{items} = []",
                f"{indent}for {item} in {name}:",
                *self._complete(kind.of_type, details, item, level + 1),
                f"{indent}    {items}.append({item})",
                f"{indent}{name} = {items}",
            ]
        if isinstance(kind, GraphQLScalarType | GraphQLEnumType):
            return [indent + line for line in self._leaf(kind, name)]
        raise _NotCompiled

    def _leaf(self, kind: GraphQLLeafType, name: str) -> list[str]:
        if isinstance(kind, GraphQLScalarType):
            if kind.name in ("String", "ID"):
                return [f"if {name}.__class__ is not str: raise Unusual"]
            if kind.name == "Boolean":
                return [f"if {name}.__class__ is not bool: raise Unusual"]
            if kind.name == "Int":
                return [
                    f"if {name}.__class__ is not int or not {_MIN_INT} <= {name} <= {_MAX_INT}: raise Unusual"
                ]
            coerce = self._bind("coerce", kind.coerce_output_value)
            return [
                # It might accept an awaitable, which graphql-core would await.
                f"if {name}.__class__ not in plain: raise Unusual",
                f"{name} = {coerce}({name})",
                f"if {name} is None or {name} is Undefined: raise Unusual",
            ]
        if (members := getattr(kind, "wrapped_cls", None)) is None:
            raise _NotCompiled
        expected = self._bind("class", members)
        names = self._bind("names", {member: kind.coerce_output_value(member) for member in members})
        return [f"if {name}.__class__ is not {expected}: raise Unusual", f"{name} = {names}[{name}]"]

    def _object(self, kind: GraphQLObjectType, details: list[FieldDetails]) -> str:
        """The name of a function from an object to its dict."""
        origin = getattr(kind.extensions.get("strawberry-definition"), "origin", None)
        if origin is None or kind.is_type_of is not None:
            raise _NotCompiled
        lines, entries = [], []
        for response_name, nodes in self._sub_fields(kind, details).items():
            self.fields += 1
            if self.fields > self._max_fields:
                raise _NotCompiled
            field_name = nodes[0].node.name.value
            if field_name == "__typename":
                entries.append(f"{response_name!r}: {kind.name!r}")
                continue
            field = kind.fields[field_name]
            attribute = getattr(field.resolve, ATTRIBUTE, None)
            if attribute is None or field.args:
                raise _NotCompiled
            value = self._name("value")
            lines += [f"    {value} = source.{attribute}", *self._complete(field.type, nodes, value, 1)]
            entries.append(f"{response_name!r}: {value}")
        function, expected = self._name("object"), self._bind("class", origin)
        check = f"    if source.__class__ is not {expected}: raise Unusual"
        result = f"    return {{{', '.join(entries)}}}"
        self._functions.append("\n".join([f"def {function}(source):", check, *lines, result]))
        return function

    def _bind(self, hint: str, value: Any) -> str:
        name = self._name(hint)
        self._names[name] = value
        return name

    def _name(self, hint: str) -> str:
        name = f"{hint}_{len(self._names)}"
        self._names[name] = None
        return name
