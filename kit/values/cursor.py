"""Opaque cursors: where the next page starts, bound to the query, filter and sort of the list."""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import orjson

from kit.errors import InvalidArgument, Violation

_MAX_LENGTH = 1000
_RULE = "must be a cursor of the same query, filter and sort"

# The last item of the previous page, in a list sorted by time.
Position = tuple[datetime, UUID]


def _fingerprint(scope: str) -> str:
    return hashlib.blake2b(scope.encode(), digest_size=6).hexdigest()


def encode_cursor(scope: str, values: Sequence[str | int | float | None]) -> str:
    """A cursor at `values`, valid only for the same `scope` (a text that identifies query, filter and sort)."""
    return base64.urlsafe_b64encode(orjson.dumps([_fingerprint(scope), *values])).decode().rstrip("=")


def decode_cursor(text: str, scope: str, *path: str | int) -> list[str | int | float | None]:
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
    if not cursor:
        return None
    match decode_cursor(cursor, scope, *path):
        case [str(time), str(item)]:
            try:
                return datetime.fromisoformat(time).astimezone(UTC), UUID(item)
            except (ValueError, OverflowError):
                pass  # Forged with the right fingerprint: the same error as for any other forgery.
    raise invalid_cursor(*path)


def invalid_cursor(*path: str | int) -> InvalidArgument:
    """The error for a cursor that is malformed or belongs to another list."""
    return InvalidArgument(
        f"{'.'.join(map(str, path))}: {_RULE}", fields=[Violation(path, _RULE)], reason="INVALID_CURSOR"
    )
