"""The reference of the GraphQL schema: a page each for operations, objects, inputs, enums and scalars."""

from collections.abc import Iterator
from pathlib import Path

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLType,
    build_schema,
    get_named_type,
)

ROOTS = ("Query", "Mutation", "Subscription")
_TITLES = {
    "operations": "Operations",
    "objects": "Objects",
    "inputs": "Inputs",
    "enums": "Enums",
    "scalars": "Scalars",
}
_BUILT_IN = ("String", "Int", "Boolean", "ID", "Float")


def write(schema_text: str, folder: Path) -> None:
    """Writes the pages into the folder."""
    schema = build_schema(schema_text)
    for page, title in _TITLES.items():
        types = [kind for kind in _types(schema) if _page(kind) == page]
        (folder / f"{page}.md").write_text(
            f"# {title}\n\n" + "\n".join("\n".join(_section(kind)) for kind in types)
        )


def _types(schema: GraphQLSchema) -> list[GraphQLNamedType]:
    roots = [schema.type_map[name] for name in ROOTS]
    named = (schema.type_map[name] for name in sorted(schema.type_map) if not name.startswith("__"))
    return roots + [kind for kind in named if kind.name not in ROOTS + _BUILT_IN]


def _page(kind: GraphQLNamedType) -> str:
    if kind.name in ROOTS:
        return "operations"
    match kind:
        case GraphQLInputObjectType():
            return "inputs"
        case GraphQLEnumType():
            return "enums"
        case GraphQLScalarType():
            return "scalars"
    return "objects"


def _section(kind: GraphQLNamedType) -> Iterator[str]:
    yield f"## {kind.name}\n\n{kind.description or ''}\n"
    match kind:
        case GraphQLObjectType() if kind.name in ROOTS:
            for name, field in kind.fields.items():
                yield from _operation(name, field)
        case GraphQLObjectType():
            yield "| field | type | meaning |\n|---|---|---|"
            for name, field in kind.fields.items():
                yield f"| `{name}` | {_link(field.type)} | {_text(field)}{_arguments(field)} |"
        case GraphQLInputObjectType():
            yield "| field | type | meaning |\n|---|---|---|"
            yield from (
                f"| `{name}` | {_link(field.type)} | {_text(field)} |" for name, field in kind.fields.items()
            )
        case GraphQLEnumType():
            yield "| value | meaning |\n|---|---|"
            yield from (f"| `{name}` | {_cell(value.description)} |" for name, value in kind.values.items())
    yield ""


def _operation(name: str, field: GraphQLField) -> Iterator[str]:
    yield f"### {name}\n\n{field.description or ''}\n\nReturns {_link(field.type)}.\n"
    if field.args:
        yield "| argument | type | meaning |\n|---|---|---|"
        yield from (
            f"| `{arg}` | {_link(value.type)} | {_text(value)} |" for arg, value in field.args.items()
        )
        yield ""


def _arguments(field: GraphQLField) -> str:
    return "".join(f"<br>`{name}` ({_link(arg.type)}): {_text(arg)}" for name, arg in field.args.items())


def _text(field: GraphQLField | GraphQLInputField | GraphQLArgument) -> str:
    deprecated = f" **Deprecated**: {field.deprecation_reason}" if field.deprecation_reason else ""
    return _cell(field.description) + _cell(deprecated)


def _cell(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|").replace("<", "&lt;")


def _link(kind: GraphQLType) -> str:
    named = get_named_type(kind)
    if named.name in _BUILT_IN:
        return f"`{kind}`"
    return f"[`{kind}`]({_page(named)}.md#{named.name.lower()})"
