"""Every operation as a collection that Postman, Insomnia and Bruno read, made from the schema alone; nothing is executed here."""

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
# Deep enough for a page of things and what they are made of.
_DEPTH: Final = 3
# What stands for a value of each kind, until somebody writes another.
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


def collection(schema: GraphQLSchema) -> str:
    """JSON of one folder for queries and one for mutations; {{gateway}} and {{token}} are its variables."""
    roots = {"Queries": ("query", schema.query_type), "Mutations": ("mutation", schema.mutation_type)}
    folders = [
        {"name": name, "item": [_request(kind, field, root) for field in root.fields]}
        for name, (kind, root) in roots.items()
        if root is not None
    ]
    whole = {
        "info": {"name": "Souk", "schema": _FORMAT},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}", "type": "string"}]},
        "variable": [
            {"key": "gateway", "value": "http://127.0.0.1:8000"},
            {"key": "token", "value": ""},
        ],
        "item": folders,
    }
    return json.dumps(whole, indent=2)


def _request(kind: str, name: str, root: GraphQLObjectType) -> dict[str, Any]:
    field = root.fields[name]
    arguments = field.args
    heads = ", ".join(f"${each}: {argument.type}" for each, argument in arguments.items())
    passes = ", ".join(f"{each}: ${each}" for each in arguments)
    document = (
        f"{kind} {name[0].upper()}{name[1:]}{f'({heads})' if heads else ''} {{\n"
        f"  {name}{f'({passes})' if passes else ''}{_selection(field.type, 1)}\n}}\n"
    )
    variables = {
        each: _example(argument.type)
        for each, argument in arguments.items()
        if is_required_argument(argument)
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
                "graphql": {"query": document, "variables": json.dumps(variables, indent=2)},
            },
        },
    }


def _selection(of: GraphQLOutputType, depth: int) -> str:
    kind = get_named_type(of)
    if not isinstance(kind, GraphQLObjectType):
        return ""
    pad = "  " * (depth + 1)
    inside = "".join(f"\n{pad}{line}" for line in _fields(kind, depth))
    return f" {{{inside}\n{'  ' * depth}}}"


def _fields(kind: GraphQLObjectType, depth: int) -> Iterator[str]:
    for name, field in kind.fields.items():
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        if is_leaf_type(get_named_type(field.type)):
            yield name
        # edges and nodes are the same twice; relations with pages of their own are for whoever wants them.
        elif depth < _DEPTH and name != "edges" and not field.args:
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
