"""The page that a request asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from kit.errors import InvalidArgument
from kit.values import (
    encode_cursor,
    encode_position,
    first_page_size,
    integer_key,
    requested_page,
    requested_page_by,
    text_key,
)
from kit.values.cursor import CursorValue

TIME, ITEM = datetime(2026, 1, 1, tzinfo=UTC), uuid4()


@dataclass
class Request:
    page_size: int = 0
    page_token: str = ""


def paths(error: InvalidArgument) -> list[tuple[str | int, ...]]:
    return [violation.path for violation in error.fields]


def test_without_size_and_cursor_the_first_20_items_are_requested() -> None:
    assert requested_page(Request(), "mugs") == (None, 20)
    assert first_page_size(Request()) == 20


def test_a_page_starts_after_its_cursor() -> None:
    cursor = encode_position("mugs", TIME, ITEM)
    assert requested_page(Request(100, cursor), "mugs") == ((TIME, ITEM), 100)


def test_lists_by_name_or_position_continue_after_their_last_item() -> None:
    by_name, by_position = encode_cursor("zones", ["a", str(ITEM)]), encode_cursor("places", [7, str(ITEM)])
    assert requested_page_by(Request(5, by_name), "zones", text_key) == (("a", ITEM), 5)
    assert requested_page_by(Request(5, by_position), "places", integer_key) == ((7, ITEM), 5)
    assert requested_page_by(Request(), "zones", text_key) == (None, 20)


@pytest.mark.parametrize(
    ("key", "value"), [(text_key, 7), (text_key, "a\0"), (integer_key, "a"), (integer_key, 2**31)]
)
def test_a_cursor_whose_value_the_list_cannot_have_is_rejected(
    key: Callable[[CursorValue], object], value: CursorValue
) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        requested_page_by(Request(5, encode_cursor("zones", [value, str(ITEM)])), "zones", key)
    assert (paths(rejection.value), rejection.value.reason) == ([("after",)], "INVALID_CURSOR")


@pytest.mark.parametrize("size", [-1, 101])
def test_a_size_out_of_range_is_rejected_before_the_cursor(size: int) -> None:
    request = Request(size, "forged")
    with pytest.raises(InvalidArgument) as one:
        requested_page(request, "mugs")
    with pytest.raises(InvalidArgument) as several:
        first_page_size(request)
    assert paths(one.value) == paths(several.value) == [("first",)]


def test_a_cursor_of_another_list_is_rejected_and_any_where_only_first_pages_are_served() -> None:
    request = Request(page_token=encode_position("mugs", TIME, ITEM))
    with pytest.raises(InvalidArgument) as other:
        requested_page(request, "pots")
    with pytest.raises(InvalidArgument) as several:
        first_page_size(request)
    assert paths(other.value) == paths(several.value) == [("after",)]
    assert other.value.reason == several.value.reason == "INVALID_CURSOR"
