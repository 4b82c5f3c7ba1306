"""Rows in the format of PostgreSQL's binary COPY, made from templates: values that many rows share are encoded once.

A template is bytes with a `%b` for each value that differs; `row` joins its fields. Formatting bytes is the fastest way to write hundreds
of millions of fields in Python.
"""

from collections.abc import Iterable
from struct import Struct
from typing import Final

HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER: Final = b"\xff\xff"

_LENGTH = Struct(">i").pack
_FIELDS = Struct(">h").pack

# Templates of one value: a uuid of 16 bytes; a bigint or timestamptz; an integer; a text or bytea made by `sized`.
UUID: Final = _LENGTH(16) + b"%b"
LONG: Final = _LENGTH(8) + b"%b"
INT: Final = _LENGTH(4) + b"%b"
SIZED: Final = b"%b"
NULL: Final = _LENGTH(-1)

long = Struct(">q").pack
integer = Struct(">i").pack


def row(*fields: bytes) -> bytes:
    """The template of a row."""
    return _FIELDS(len(fields)) + b"".join(fields)


def sized(value: bytes) -> bytes:
    """A text or bytea, for a SIZED field."""
    return _LENGTH(len(value)) + value


def lexemes(texts: Iterable[str]) -> bytes:
    """A tsvector without positions, for a SIZED field."""
    encoded = [text.encode() + bytes(3) for text in texts]  # its end, and the number of positions
    return sized(_LENGTH(len(encoded)) + b"".join(encoded))


def same(value: str | bytes | int | bool) -> bytes:
    """The template of a field that is the same in every row: text, bytea, integer or boolean."""
    match value:
        case bool():
            encoded = b"\1" if value else b"\0"
        case int():
            encoded = integer(value)
        case str():
            encoded = value.encode()
        case _:
            encoded = value
    return sized(encoded).replace(b"%", b"%%")


def same_long(value: int) -> bytes:
    """The template of a bigint that is the same in every row."""
    return sized(long(value)).replace(b"%", b"%%")


def same_json(text: str) -> bytes:
    """The template of a jsonb that is the same in every row."""
    return sized(b"\1" + text.encode()).replace(b"%", b"%%")
