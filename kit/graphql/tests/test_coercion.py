"""Compiled functions coerce variables as graphql-core does, or leave them to it."""

from typing import Any

import pytest
from graphql import GraphQLNonNull, Undefined, type_from_ast
from graphql.language import parse_type
from graphql.utilities.coerce_input_value import coerce_input_value

from kit.graphql.coercion import Coercions, UnusualInput
from kit.graphql.parsing import Number
from kit.graphql.tests.odd_schema import SCHEMA, Color

_COERCIONS = Coercions()


def _kind(text: str) -> Any:
    return type_from_ast(SCHEMA._schema, parse_type(text))


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (
            "Filter",
            {"text": "t", "colors": ["RED", "GREEN"], "price": "2.50", "inner": {"inner": {"count": 1}}},
        ),
        ("Filter!", {"text": None, "inner": None}),
        ("[Filter!]!", [{}, {"count": -(2**31)}]),
        ("[[Int]]", [[1, None], None]),
        ("Decimal", Number("2.5")),
        ("Color", None),
        ("ID!", "1"),
        ("Boolean", False),
    ],
)
def test_a_usual_value_is_coerced_as_by_graphql_core(kind: str, value: Any) -> None:
    expected = coerce_input_value(value, _kind(kind))
    coerced = _COERCIONS.of(_kind(kind))(value)
    assert expected is not Undefined
    assert coerced == expected
    # With the fields in the same order.
    assert repr(coerced) == repr(expected)


def test_an_enum_value_is_the_member() -> None:
    assert _COERCIONS.of(_kind("[Color]"))(["RED"]) == [Color.RED]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("Filter!", None),
        ("Filter", {"no": 1}),
        ("Filter", {"count": None}),
        ("Filter", {"count": 2**31}),
        ("Filter", {"count": True}),
        ("Filter", {"text": 1}),
        ("Filter", {"inner": {"inner": {"colors": [None]}}}),
        ("Filter", []),
        ("[Int!]", [None]),
        ("Color", "BLUE"),
        ("Decimal!", None),
        ("Decimal", "x"),
        ("Boolean", 1),
        ("ID", []),
    ],
)
def test_an_invalid_value_is_left_to_graphql_core(kind: str, value: Any) -> None:
    assert coerce_input_value(value, _kind(kind)) is Undefined
    with pytest.raises(UnusualInput):
        _COERCIONS.of(_kind(kind))(value)


@pytest.mark.parametrize(("kind", "value"), [("[Int]", 1), ("ID", 1), ("Filter", {"colors": "RED"})])
def test_another_form_of_a_valid_value_is_left_to_graphql_core(kind: str, value: Any) -> None:
    assert coerce_input_value(value, _kind(kind)) is not Undefined
    with pytest.raises(UnusualInput):
        _COERCIONS.of(GraphQLNonNull(_kind(kind)))(value)
