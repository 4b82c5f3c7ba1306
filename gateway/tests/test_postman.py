"""The collection for Postman and Insomnia: every operation, each a valid document with variables that fit."""

import json

from graphql import OperationDefinitionNode, get_variable_values, parse, validate

from gateway.resolvers import make_schema
from kit.graphql import postman_collection

SCHEMA = make_schema()._schema


def test_the_collection_has_every_query_and_mutation() -> None:
    folders = {
        folder["name"]: {item["name"] for item in folder["item"]}
        for folder in json.loads(postman_collection("Souk", SCHEMA))["item"]
    }
    assert SCHEMA.query_type is not None
    assert SCHEMA.mutation_type is not None
    assert folders == {
        "Queries": set(SCHEMA.query_type.fields),
        "Mutations": set(SCHEMA.mutation_type.fields),
    }


def test_each_request_is_a_valid_document_with_valid_variables() -> None:
    for folder in json.loads(postman_collection("Souk", SCHEMA))["item"]:
        for item in folder["item"]:
            body = item["request"]["body"]["graphql"]
            document = parse(body["query"])
            assert validate(SCHEMA, document) == [], body["query"]
            [operation] = document.definitions
            assert isinstance(operation, OperationDefinitionNode)
            values = get_variable_values(
                SCHEMA, operation.variable_definitions or (), json.loads(body["variables"])
            )
            assert not isinstance(values, list), (item["name"], values)
            assert item["request"]["description"]
