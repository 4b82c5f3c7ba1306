"""Opaque cursors: where the next page starts, bound to the query, filter and sort of the list."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import orjson

from kit.errors import InvalidArgument, Violation

_MAX_LENGTH = 1000
_RULE = "must be a cursor of the same query, filter and sort"

# The last item of the previous page, in a list sorted by time.
Position = tuple[datetime, UUID]
CursorValue = str | int | float | None
K = TypeVar("K")
KeyReader = Callable[[CursorValue], K]


def _fingerprint(scope: str) -> str:
    return hashlib.blake2b(scope.encode(), digest_size=6).hexdigest()


def encode_cursor(scope: str, values: Sequence[CursorValue]) -> str:
    """A cursor at `values`, valid only for the same `scope` (a text that identifies query, filter and sort)."""
    return base64.urlsafe_b64encode(orjson.dumps([_fingerprint(scope), *values])).decode().rstrip("=")


def decode_cursor(text: str, scope: str, *path: str | int) -> list[CursorValue]:
    """The values of a cursor; raises InvalidArgument naming `path` when it is malformed or of another scope."""
    if len(text) <= _MAX_LENGTH:
        try:
            decoded = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, orjson.JSONDecodeError, ValueError):
            decoded = None
        if isinstance(decoded, list) and decoded and decoded[0] == _fingerprint(scope):
            return decoded[1:]
    raise invalid_cursor(*path)


def encode_position(scope: str, time: datetime, item: UUID) -> str:
    """A cursor after this item of a list sorted by time."""
    return encode_cursor(scope, [time.isoformat(), str(item)])


def decode_position(cursor: str, scope: str, *path: str | int) -> Position | None:
    """The position after which a list sorted by time continues; None without a cursor. Raises InvalidArgument like `decode_cursor`."""
    return decode_item(cursor, scope, time_key, *path)


def decode_item(cursor: str, scope: str, key: KeyReader[K], *path: str | int) -> tuple[K, UUID] | None:
    """The same for a list sorted by other values: the value and id of the last item, of a cursor made of these two."""
    if not cursor:
        return None
    match decode_cursor(cursor, scope, *path):
        case [value, str(item)]:
            try:
                return key(value), UUID(item)
            except (ValueError, OverflowError):
                pass  # Forged with the right fingerprint: the same error as for any other forgery.
    raise invalid_cursor(*path)


def time_key(value: CursorValue) -> datetime:
    """Reads what a list sorted by time has in its cursors; as all readers of keys, raises ValueError or OverflowError."""
    return datetime.fromisoformat(text_key(value)).astimezone(UTC)


def integer_key(value: CursorValue) -> int:
    """A number that PostgreSQL's `integer` holds."""
    if isinstance(value, int) and abs(value) < 2**31:
        return value
    raise ValueError


def text_key(value: CursorValue) -> str:
    """A text that PostgreSQL can hold."""
    if isinstance(value, str) and "\0" not in value:
        return value
    raise ValueError


def invalid_cursor(*path: str | int) -> InvalidArgument:
    """The error for a cursor that is malformed or belongs to another list."""
    return InvalidArgument(
        f"{'.'.join(map(str, path))}: {_RULE}", fields=[Violation(path, _RULE)], reason="INVALID_CURSOR"
    )
