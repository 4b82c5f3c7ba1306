"""Hypothesis strategies: documents over a schema with aliases, merged fields, fragments and directives, and variables for them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    get_named_type,
)
from hypothesis import strategies as st

_MAX_LEVELS: Final = 4
# Executions of each document, with variables of their own.
EXECUTIONS: Final = 4
_WRONG: Final[tuple[Any, ...]] = (
    None,
    1,
    -(2**33),
    1.5,
    "x",
    True,
    [],
    ["RED"],
    [None],
    {},
    {"text": 1},
    {"no": 1},
    "z" * 60,
)


@dataclass(frozen=True)
class Document:
    """A text, and for each execution variables, some of them missing or wrong."""

    text: str
    variables: list[dict[str, Any]]


@dataclass
class _Builder:
    draw: Any
    schema: GraphQLSchema
    directives: bool
    definitions: list[str] = field(default_factory=list)
    values: list[dict[str, Any]] = field(default_factory=lambda: [{} for _ in range(EXECUTIONS)])
    # The names of fragments by the type that they are on, and their texts.
    known: dict[str, list[str]] = field(default_factory=dict)
    fragments: list[str] = field(default_factory=list)
    aliases: int = 0

    def chance(self, percent: int) -> bool:
        drawn: int = self.draw(st.integers(0, 99))
        return drawn < percent

    def selections(self, kind: GraphQLObjectType, level: int) -> str:
        count = self.draw(st.integers(1, 5 - level))
        return "{ " + " ".join(self._selection(kind, level) for _ in range(count)) + " }"

    def _selection(self, kind: GraphQLObjectType, level: int) -> str:
        if level < _MAX_LEVELS and self.chance(10):
            condition = self.draw(st.sampled_from(["", f" on {kind.name}"]))
            return f"...{condition}{self._directive()} {self.selections(kind, level + 1)}"
        if level < _MAX_LEVELS and self.chance(10):
            return self._spread(kind, level)
        if self.chance(8):
            return str(self.draw(st.sampled_from(["__typename", "kind: __typename"])))
        fields = [
            name
            for name, definition in kind.fields.items()
            if level < _MAX_LEVELS or not isinstance(get_named_type(definition.type), GraphQLObjectType)
        ]
        name = self.draw(st.sampled_from(fields))
        definition = kind.fields[name]
        head = self._head(name, definition)
        text = f"{head}{self._rest(definition, level)}"
        # The same field again: its selections are merged.
        return f"{text} {head}{self._rest(definition, level)}" if self.chance(15) else text

    def _spread(self, kind: GraphQLObjectType, level: int) -> str:
        known = self.known.setdefault(kind.name, [])
        if known and self.chance(40):
            return f"...{self.draw(st.sampled_from(known))}{self._directive()}"
        selections, name = self.selections(kind, level + 1), f"f{len(self.fragments)}"
        known.append(name)
        self.fragments.append(f"fragment {name} on {kind.name} {selections}")
        return f"...{name}{self._directive()}"

    def _head(self, name: str, definition: GraphQLField) -> str:
        """The field with an alias if it has arguments, because a response name stands for one set of them."""
        arguments = [
            f"{key}: {self._value(argument.type)}"
            for key, argument in definition.args.items()
            if isinstance(argument.type, GraphQLNonNull) or self.chance(50)
        ]
        if arguments:
            self.aliases += 1
            return f"a{self.aliases}: {name}({', '.join(arguments)})"
        return f"{name}{self.draw(st.sampled_from('AB'))}: {name}" if self.chance(15) else name

    def _rest(self, definition: GraphQLField, level: int) -> str:
        kind = get_named_type(definition.type)
        selections = self.selections(kind, level + 1) if isinstance(kind, GraphQLObjectType) else ""
        return f"{self._directive()} {selections}"

    def _directive(self) -> str:
        if not self.directives or not self.chance(15):
            return ""
        name = self.draw(st.sampled_from(["skip", "include"]))
        return f" @{name}(if: {self._value(GraphQLNonNull(GraphQLBoolean))})"

    def _value(self, kind: GraphQLInputType) -> str:
        return self._variable(kind) if self.chance(40) else self._literal(kind, self._value)

    def _constant(self, kind: GraphQLInputType) -> str:
        return self._literal(kind, self._constant)

    def _literal(self, kind: GraphQLInputType, part: Callable[[GraphQLInputType], str]) -> str:
        """`part` writes the values within a list or an object."""
        if isinstance(kind, GraphQLNonNull):
            kind = kind.of_type
        elif self.chance(12):
            return "null"
        if isinstance(kind, GraphQLList):
            return f"[{', '.join(part(kind.of_type) for _ in range(self.draw(st.integers(0, 2))))}]"
        if isinstance(kind, GraphQLEnumType):
            return str(self.draw(st.sampled_from(sorted(kind.values))))
        if isinstance(kind, GraphQLInputObjectType):
            chosen = [name for name in kind.fields if name != "inner" and self.chance(40)]
            return f"{{{', '.join(f'{name}: {part(kind.fields[name].type)}' for name in chosen)}}}"
        return {"Int": "3", "Boolean": "true", "Decimal": "2.50"}.get(kind.name, '"t"')

    def _variable(self, kind: GraphQLInputType) -> str:
        default = f" = {self._constant(kind)}" if self.chance(25) else ""
        name = f"v{len(self.definitions)}"
        self.definitions.append(f"${name}: {kind}{default}")
        for values in self.values:
            if not self.chance(10):
                values[name] = self.draw(st.sampled_from(_WRONG) if self.chance(3) else _json(kind))
        return f"${name}"


def _json(kind: GraphQLInputType) -> st.SearchStrategy[Any]:
    if isinstance(kind, GraphQLNonNull):
        return _present(kind.of_type)
    return st.one_of(_present(kind), st.none())


def _present(kind: GraphQLInputType) -> st.SearchStrategy[Any]:
    if isinstance(kind, GraphQLList):
        return st.lists(_json(kind.of_type), max_size=2)
    if isinstance(kind, GraphQLEnumType):
        return st.sampled_from(sorted(kind.values))
    if isinstance(kind, GraphQLInputObjectType):
        fields = {name: _json(entry.type) for name, entry in kind.fields.items() if name != "inner"}
        return st.fixed_dictionaries({}, optional=fields)
    assert isinstance(kind, GraphQLScalarType)
    values: dict[str, st.SearchStrategy[Any]] = {"Int": st.integers(-9, 9), "Boolean": st.booleans()}
    return values.get(kind.name, st.sampled_from(["1", "2.5", "3"]))


@st.composite
def documents(draw: Any, schema: GraphQLSchema) -> Document:
    """A query or mutation. Most are valid, and have no directive."""
    builder = _Builder(draw, schema, directives=draw(st.integers(0, 3)) == 0)
    kind, root = ("mutation", schema.mutation_type) if builder.chance(25) else ("query", schema.query_type)
    assert root is not None
    selections = builder.selections(root, 0)
    variables = f"({', '.join(builder.definitions)})" if builder.definitions else ""
    return Document(f"{kind} O{variables} {selections} {' '.join(builder.fragments)}", builder.values)
