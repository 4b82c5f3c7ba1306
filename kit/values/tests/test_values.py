"""Rules of text, times and cursors."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import InvalidArgument
from kit.values import (
    FieldReader,
    decode_cursor,
    decode_position,
    encode_cursor,
    encode_position,
    rfc3339,
    timestamp_from_proto,
    timestamp_to_proto,
    utc_now,
)


def test_every_fault_of_an_input_is_found() -> None:
    reading = FieldReader()
    reading.text("", "name", min_length=1, max_length=100)
    reading.text("a\0b", "note", max_length=500)
    reading.email("someone@localhost", "email")
    reading.phone("0791234567", "phone")
    reading.country("XX", "country")
    reading.url("ftp://x", "images", 0)
    reading.integer(0, "quantity", minimum=1, maximum=10)
    with pytest.raises(InvalidArgument) as caught:
        reading.raise_if_invalid()
    result = {violation.path[0] for violation in caught.value.fields}
    assert result == {"name", "note", "email", "phone", "country", "images", "quantity"}


@given(st.datetimes(datetime(1900, 1, 1), datetime(9999, 12, 31)))
def test_an_instant_is_written_and_read_as_protobuf_has_it(naive: datetime) -> None:
    instant = naive.replace(tzinfo=UTC)
    expected = Timestamp()
    expected.FromDatetime(instant)
    assert timestamp_to_proto(instant) == expected
    assert timestamp_from_proto(expected) == instant == expected.ToDatetime(tzinfo=UTC)


def test_text_is_trimmed_and_composed() -> None:
    assert FieldReader().text("  Cafe\u0301 ", "name", max_length=100) == "Caf\u00e9"


@pytest.mark.parametrize("address", ["John@Example.com", "a@b.test", "x+y@shop.co.uk"])
def test_an_address_is_normalised(address: str) -> None:
    reading = FieldReader()
    assert reading.email(address, "email") == address.lower()
    reading.raise_if_invalid()


@pytest.mark.parametrize(
    "address", ["", "a", "a@", "@b.test", "a b@c.test", "a@b..test", "a@b.test\nx", "a" * 250 + "@b.test"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    reading = FieldReader()
    reading.email(address, "email")
    with pytest.raises(InvalidArgument):
        reading.raise_if_invalid()


def test_a_cursor_is_good_for_its_own_query_only() -> None:
    cursor = encode_cursor("orders newest", ["2026", 7, None])
    assert decode_cursor(cursor, "orders newest", "after") == ["2026", 7, None]
    for broken in (cursor[:-2], "", "%%%", "x" * 2000):
        with pytest.raises(InvalidArgument):
            decode_cursor(broken, "orders newest", "after")
    with pytest.raises(InvalidArgument):
        decode_cursor(cursor, "orders oldest", "after")


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_list_by_time_goes_on_where_its_cursor_says(time: datetime, item: UUID) -> None:
    assert decode_position(encode_position("orders", time, item), "orders", "after") == (time, item)
    assert decode_position("", "orders", "after") is None


@pytest.mark.parametrize(
    "values", [[], ["2026"], ["yesterday", str(UUID(int=1))], ["0001-01-01T00:00+23:59", "1"]]
)
def test_a_position_that_was_made_up_is_refused(values: list[str]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        decode_position(encode_cursor("orders", values), "orders", "after")
    assert caught.value.reason == "INVALID_CURSOR"


def test_instants_are_written_with_milliseconds_in_utc() -> None:
    text = rfc3339(utc_now())
    assert text.endswith("Z")
    assert len(text) == len("2026-11-23T09:30:00.000Z")


def test_an_optional_value_may_not_be_blank() -> None:
    reading = FieldReader()
    assert reading.not_blank("", "sku") == ""
    assert reading.not_blank(" a ", "sku") == " a "
    reading.raise_if_invalid()
    reading.not_blank(" ", "sku")
    with pytest.raises(InvalidArgument):
        reading.raise_if_invalid()
