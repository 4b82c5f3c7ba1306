"""Opaque cursors: where a page goes on, bound to the query, filter and sort that it came from."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import orjson

from kit.errors import InvalidArgument, Violation

_LONGEST = 1000
_RULE = "must be a cursor of the same query, filter and sort"

# After which item a list that is sorted by time goes on.
Position = tuple[datetime, UUID]


def _fingerprint(scope: str) -> str:
    return hashlib.blake2b(scope.encode(), digest_size=6).hexdigest()


def encode_cursor(scope: str, values: Sequence[str | int | float | None]) -> str:
    """A cursor at `values`, good only for the same `scope` (a text that names query, filter and sort)."""
    return base64.urlsafe_b64encode(orjson.dumps([_fingerprint(scope), *values])).decode().rstrip("=")


def decode_cursor(text: str, scope: str, *path: str | int) -> list[str | int | float | None]:
    """The values of a cursor; raises InvalidArgument naming `path` when it is malformed or of another scope."""
    if len(text) <= _LONGEST:
        try:
            found = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (binascii.Error, orjson.JSONDecodeError, ValueError):
            found = None
        if isinstance(found, list) and found and found[0] == _fingerprint(scope):
            return found[1:]
    raise invalid_cursor(*path)


def encode_position(scope: str, time: datetime, item: UUID) -> str:
    """A cursor after this item of a list that is sorted by time."""
    return encode_cursor(scope, [time.isoformat(), str(item)])


def decode_position(cursor: str, scope: str, *path: str | int) -> Position | None:
    """Where a list that is sorted by time goes on, None for no cursor: at its begin; raises InvalidArgument as `decode_cursor` does."""
    if not cursor:
        return None
    match decode_cursor(cursor, scope, *path):
        case [str(time), str(item)]:
            try:
                return datetime.fromisoformat(time).astimezone(UTC), UUID(item)
            except (ValueError, OverflowError):
                pass  # made up by hand, with the right fingerprint; falls to the same answer as any other forgery
    raise invalid_cursor(*path)


def invalid_cursor(*path: str | int) -> InvalidArgument:
    """The error for a cursor that is of another list, or of none."""
    return InvalidArgument(
        f"{'.'.join(map(str, path))}: {_RULE}", fields=[Violation(path, _RULE)], reason="INVALID_CURSOR"
    )
