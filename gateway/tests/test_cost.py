"""What documents cost, and that nobody pays for working it out."""

import time
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse, validate

from gateway.cost import Price, price
from gateway.schema import build_schema

SCHEMA = build_schema()._schema


def of(text: str) -> Price:
    document = parse(text)
    assert validate(SCHEMA, document) == []
    [operation] = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    return price(SCHEMA, document, operation)


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ __typename }", 1),
        ("{ a: __typename b: __typename me { __typename id } }", 3),
        ("{ me { id name email } }", 1),
        ('{ product(id: "prod_1") { name category { slug } } }', 2),
        # 5 for a search, the connection, ten products.
        ("{ products(first: 10) { nodes { id } } }", 16),
        ("{ products { nodes { id } } }", 26),
        ("{ products(first: null) { nodes { id } } }", 26),
        ("{ products(first: 5000) { nodes { id } } }", 106),
        ("{ products(first: 10) { edges { node { id } } } }", 26),
        ("{ products(first: 10) { totalCount } }", 11),
        ("{ me { orders(first: 10) { nodes { lines { product { id } } } } } }", 1 + 6 + 10 * (1 + 5 * 2)),
        ("{ a: me { id } b: me { id } }", 2),
        ("{ ...f ... on Query { me { id } } } fragment f on Query { me { id } }", 2),
        ('mutation { logIn: login(input: {email: "a", password: "b"}) { accessToken } }', 11),
    ],
)
def test_lists_multiply_what_is_in_them(query: str, cost: int) -> None:
    assert of(query).of(None) == cost


@pytest.mark.parametrize(
    ("variables", "cost"),
    [
        ({"first": 10}, 16),
        ({"first": 100}, 106),
        ({}, 13),
        (None, 13),
        ({"first": None}, 26),
        ({"first": -1}, 106),
        ({"first": 10**30}, 106),
        ({"first": "many"}, 26),
        ({"first": True}, 26),
    ],
)
def test_variables_say_how_long_lists_are(variables: dict[str, Any] | None, cost: int) -> None:
    assert of("query($first: Int = 7) { products(first: $first) { nodes { id } } }").of(variables) == cost


def test_variables_multiply_each_other() -> None:
    nested = of(
        "query($a: Int!, $b: Int!) { orders(first: $a) { nodes { account { orders(first: $b) { nodes { id } } } } } }"
    )
    assert nested.of({"a": 3, "b": 5}) == 1 + 3 * (1 + 1 + 5 + 1 + 5)


def test_a_fragment_that_is_spread_a_million_times_is_priced_at_once() -> None:
    doubling = " ".join(
        f"fragment f{n} on Account {{ ...f{n + 1} ... on Account {{ ...f{n + 1} }} }}" for n in range(40)
    )
    document = parse("{ me { ...f0 } } " + doubling + " fragment f40 on Account { orders { nodes { id } } }")
    [operation] = [each for each in document.definitions if isinstance(each, OperationDefinitionNode)]
    began = time.monotonic()
    assert price(SCHEMA, document, operation).of(None) > 2**40
    assert time.monotonic() - began < 1


def test_many_variables_make_no_long_price() -> None:
    names = [f"v{n}" for n in range(60)]
    lists = " ".join(f"a{name}: products(first: ${name}) {{ nodes {{ id }} }}" for name in names)
    many = of(f"query({', '.join(f'${name}: Int' for name in names)}) {{ {lists} }}")
    assert len(many.terms) <= 32
    assert many.of(dict.fromkeys(names, 1)) > 60


def test_tries_to_sign_in_are_counted_wherever_they_hide() -> None:
    login = 'login(input: {email: "a", password: "b"}) { accessToken }'
    hidden = of(
        f"mutation {{ a: {login} b: {login} ... on Mutation {{ c: {login} }} ...more }} "
        f"fragment more on Mutation {{ d: {login} }}"
    )
    assert hidden.sign_ins == 4
    assert of("{ me { id } }").sign_ins == 0
