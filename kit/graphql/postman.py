"""Generates a collection of all operations for Postman, Insomnia and Bruno from the schema."""

import json
from collections.abc import Iterator
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
    is_required_argument,
    is_required_input_field,
)

_FORMAT: Final = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
# Enough for a page of objects with their direct parts.
_MAX_DEPTH: Final = 3
# Placeholder values.
_EXAMPLES: Final = {
    "Boolean": True,
    "CountryCode": "CH",
    "CurrencyCode": "USD",
    "DateTime": "2026-11-23T09:30:00Z",
    "Decimal": "9.99",
    "ID": "",
    "Int": 1,
    "String": "",
}


def postman_collection(name: str, schema: GraphQLSchema) -> str:
    """A JSON collection with a folder of queries and one of mutations; its variables are {{gateway}} and {{token}}."""
    roots = {"Queries": ("query", schema.query_type), "Mutations": ("mutation", schema.mutation_type)}
    folders = [
        {"name": folder, "item": [_request(kind, field, root) for field in root.fields]}
        for folder, (kind, root) in roots.items()
        if root is not None
    ]
    document = {
        "info": {"name": name, "schema": _FORMAT},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
        "variable": [
            {"key": "gateway", "value": "http://127.0.0.1:8000"},
            {"key": "token", "value": ""},
        ],
        "item": folders,
    }
    return json.dumps(document, indent=2)


def _request(kind: str, name: str, root: GraphQLObjectType) -> dict[str, Any]:
    field = root.fields[name]
    arguments = field.args
    variables = ", ".join(f"${argument}: {definition.type}" for argument, definition in arguments.items())
    passed = ", ".join(f"{argument}: ${argument}" for argument in arguments)
    document = (
        f"{kind} {name[0].upper()}{name[1:]}{f'({variables})' if variables else ''} {{\n"
        f"  {name}{f'({passed})' if passed else ''}{_selection(field.type, 1)}\n}}\n"
    )
    values = {
        argument: _example(definition.type)
        for argument, definition in arguments.items()
        if is_required_argument(definition)
    }
    return {
        "name": name,
        "request": {
            "method": "POST",
            "description": field.description,
            "url": "{{gateway}}/graphql",
            "header": [{"key": "Content-Type", "value": "application/json"}],
            "body": {
                "mode": "graphql",
                "graphql": {"query": document, "variables": json.dumps(values, indent=2)},
            },
        },
    }


def _selection(of: GraphQLOutputType, depth: int) -> str:
    kind = get_named_type(of)
    if not isinstance(kind, GraphQLObjectType):
        return ""
    indent = "  " * (depth + 1)
    fields = "".join(f"\n{indent}{line}" for line in _fields(kind, depth))
    return f" {{{fields}\n{'  ' * depth}}}"


def _fields(kind: GraphQLObjectType, depth: int) -> Iterator[str]:
    for name, field in kind.fields.items():
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if is_leaf_type(get_named_type(field.type)):
            yield name
        # edges repeat nodes; fields with arguments, such as connections, are left to the reader.
        elif depth < _MAX_DEPTH and name != "edges" and not field.args:
            yield name + _selection(field.type, depth + 1)


def _example(of: GraphQLInputType) -> Any:
    if is_non_null_type(of):
        return _example(of.of_type)
    if is_list_type(of):
        return [_example(of.of_type)]
    if isinstance(of, GraphQLEnumType):
        return next(iter(of.values))
    if isinstance(of, GraphQLInputObjectType):
        return {
            name: _example(field.type) for name, field in of.fields.items() if is_required_input_field(field)
        }
    return _EXAMPLES[str(of)]
