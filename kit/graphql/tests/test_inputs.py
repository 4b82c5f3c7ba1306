"""Resolvers receive what Strawberry alone would pass to them."""

from enum import Enum
from typing import Any

import pytest
import strawberry
from graphql import ExecutionResult
from hypothesis import given, settings
from hypothesis import strategies as some

from kit.graphql.inputs import Inputs
from kit.graphql.resolvers import call_resolvers_directly

_SEND = (
    "mutation ($input: Parcel, $all: [Parcel!], $size: Size, $sizes: [Size]) "
    "{ send(input: $input, all: $all, size: $size, otherSizes: $sizes) }"
)
_TEXTS = some.sampled_from(["", "a", "null"])
_ITEMS = some.fixed_dictionaries(
    {"title": _TEXTS},
    optional={
        "count": some.one_of(some.none(), some.integers(-5, 5)),
        "size": some.sampled_from(["SMALL", "LARGE", None]),
        "labels": some.one_of(some.none(), some.lists(some.one_of(some.none(), _TEXTS), max_size=2)),
    },
)
_PARCELS = some.fixed_dictionaries(
    {"mainItem": _ITEMS},
    optional={
        "items": some.one_of(some.none(), _ITEMS, some.lists(_ITEMS, max_size=3)),
        "rows": some.lists(some.lists(_ITEMS, max_size=2), max_size=2),
        "note": some.one_of(some.none(), _TEXTS),
        "kind": some.one_of(some.none(), _TEXTS),
    },
)


class Shop:
    """A schema of its own, because a type's hook is set once for all schemas; it keeps what its resolver got."""

    def __init__(self, *, fast: bool) -> None:
        self.received: list[Any] = []
        shop = self

        @strawberry.enum
        class Size(Enum):
            SMALL = "s"
            LARGE = "l"

        @strawberry.input
        class Item:
            title: str
            count: int | None = 1
            size: Size | None = Size.SMALL
            labels: list[str | None] | None = strawberry.field(default_factory=list)

        @strawberry.input
        class Parcel:
            main_item: Item
            items: list[Item] | None = strawberry.field(default=strawberry.UNSET)
            rows: list[list[Item]] | None = None
            note: str | None = strawberry.UNSET
            sort: str | None = strawberry.field(name="kind")

        @strawberry.type
        class Mutation:
            @strawberry.mutation
            def send(
                self,
                info: strawberry.Info,
                input: Parcel | None = strawberry.UNSET,
                all: list[Parcel] | None = None,
                size: Size | None = Size.LARGE,
                other_sizes: list[Size | None] | None = strawberry.UNSET,
            ) -> str:
                received = (input, all, size, other_sizes, self, info.path, info.python_name)
                shop.received.append(received)
                return repr(received)

        @strawberry.type
        class Query:
            ok: bool = True

        self.schema = strawberry.Schema(query=Query, mutation=Mutation)
        if fast:
            call_resolvers_directly(self.schema._schema, Inputs(self.schema._schema))

    def send(self, variables: dict[str, Any], document: str = _SEND) -> ExecutionResult:
        result: Any = self.schema.execute_sync(document, variables)
        return ExecutionResult(result.data, result.errors)


_PLAIN, _FAST = Shop(fast=False), Shop(fast=True)


@settings(deadline=None)
@given(
    some.fixed_dictionaries(
        {},
        optional={
            "input": some.one_of(some.none(), _PARCELS),
            "all": some.one_of(some.none(), some.lists(_PARCELS, max_size=3)),
            "size": some.sampled_from(["SMALL", None]),
            "sizes": some.one_of(some.none(), some.lists(some.sampled_from(["SMALL", None]), max_size=2)),
        },
    )
)
def test_the_values_are_equal(variables: dict[str, Any]) -> None:
    plain, fast = _PLAIN.send(variables), _FAST.send(variables)
    assert not plain.errors
    assert fast == plain


@pytest.mark.parametrize(
    "input",
    [
        "{}",
        '{mainItem: {title: "a", other: 1}}',
        "{mainItem: null}",
        '{mainItem: {title: "a", size: HUGE}}',
        '{mainItem: {title: "a"}, items: [null]}',
        '{mainItem: {title: "a"}, items: {title: "b"}}',
        '{mainItem: {title: "a", labels: ["x", null]}, kind: "y"}',
    ],
)
def test_literals_and_errors_are_equal(input: str) -> None:
    document = f"mutation {{ send(input: {input}) }}"
    plain, fast = _PLAIN.send({}, document), _FAST.send({}, document)
    assert (fast.data, list(map(str, fast.errors or []))) == (plain.data, list(map(str, plain.errors or [])))


def test_default_lists_are_not_shared_between_requests() -> None:
    for _ in range(2):
        result = _FAST.send({"input": {"mainItem": {"title": "a"}}})
        assert not result.errors
        labels = _FAST.received[-1][0].main_item.labels
        assert labels == []
        labels.append("changed")


def test_a_field_that_strawberry_must_check_is_rejected_at_start() -> None:
    @strawberry.input
    class Change:
        name: strawberry.Maybe[str]

    @strawberry.type
    class Query:
        @strawberry.field
        def changed(self, change: Change) -> bool:
            return bool(change.name)

    with pytest.raises(TypeError, match="Change has a field of type Maybe"):
        Inputs(strawberry.Schema(query=Query)._schema)
