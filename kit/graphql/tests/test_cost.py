"""The cost of documents, and the time to compute it."""

import time
from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse, validate

from kit.graphql.cost import CostAnalysis, OperationCost
from kit.graphql.tests import library

SCHEMA = library.SCHEMA._schema


def cost_of(text: str, *, valid: bool = True) -> OperationCost:
    document = parse(text)
    assert not valid or validate(SCHEMA, document) == []
    [operation] = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return CostAnalysis(SCHEMA, document, library.COSTS).cost(operation)


@pytest.mark.parametrize(
    ("query", "cost"),
    [
        ("{ __typename }", 1),
        ("{ a: __typename b: __typename me { __typename id } }", 3),
        ("{ me { id name email } }", 1),
        ("{ categories { slug } }", 30),
        # 5 for the search, 1 for the connection, 10 for the titles.
        ("{ titles(first: 10) { nodes { id } } }", 16),
        ("{ titles { nodes { id } } }", 26),
        ("{ titles(first: null) { nodes { id } } }", 26),
        ("{ titles(first: 5000) { nodes { id } } }", 106),
        ("{ titles(first: 10) { edges { node { id } } } }", 26),
        ("{ titles(first: 10) { totalCount } }", 11),
        ("{ me { loans(first: 10) { nodes { titles { id } member { id } } } } }", 1 + 6 + 10 * (1 + 5 + 1)),
        ("{ a: me { id } b: me { id } }", 2),
        ("{ ...f ... on Query { me { id } } } fragment f on Query { me { id } }", 2),
        ('mutation { logIn: login(input: {email: "a", password: "b"}) { id } }', 11),
    ],
)
def test_lists_multiply_the_cost_of_their_items(query: str, cost: int) -> None:
    assert cost_of(query).evaluate(None) == cost


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
def test_variables_size_lists(variables: dict[str, Any] | None, cost: int) -> None:
    assert (
        cost_of("query($first: Int = 7) { titles(first: $first) { nodes { id } } }").evaluate(variables)
        == cost
    )


def test_variables_multiply_each_other() -> None:
    nested = cost_of(
        "query($a: Int!, $b: Int!) { loans(first: $a) { nodes { member { loans(first: $b) { nodes { id } } } } } }"
    )
    assert nested.evaluate({"a": 3, "b": 5}) == 1 + 3 * (1 + 1 + 5 + 1 + 5)


def test_a_fragment_that_is_spread_a_million_times_is_analyzed_once() -> None:
    doubling = " ".join(
        f"fragment f{n} on Member {{ ...f{n + 1} ... on Member {{ ...f{n + 1} }} }}" for n in range(40)
    )
    document = "{ me { ...f0 } } " + doubling + " fragment f40 on Member { loans { nodes { id } } }"
    start = time.monotonic()
    assert cost_of(document, valid=False).evaluate(None) > 2**40
    assert time.monotonic() - start < 1


def test_a_cost_of_many_variables_has_a_bounded_number_of_terms() -> None:
    names = [f"v{n}" for n in range(60)]
    lists = " ".join(f"a{name}: titles(first: ${name}) {{ nodes {{ id }} }}" for name in names)
    many = cost_of(f"query({', '.join(f'${name}: Int' for name in names)}) {{ {lists} }}")
    assert len(many.terms) <= 32
    assert many.evaluate(dict.fromkeys(names, 1)) > 60


def test_credential_fields_are_counted_in_fragments_and_under_aliases() -> None:
    login = 'login(input: {email: "a", password: "b"}) { id }'
    hidden = cost_of(
        f"mutation {{ a: {login} b: {login} ... on Mutation {{ c: {login} }} ...more }} "
        f"fragment more on Mutation {{ d: {login} }}"
    )
    assert hidden.credential_attempts == 4
    assert cost_of("{ me { id } }").credential_attempts == 0
