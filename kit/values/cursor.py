"""Opaque cursors: where a page goes on, bound to the query, filter and sort that it came from."""

import base64
import binascii
import hashlib
from collections.abc import Sequence

import orjson

from kit.errors import InvalidArgument, Violation

_LONGEST = 1000


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
    rule = "must be a cursor of the same query, filter and sort"
    raise InvalidArgument(
        f"{'.'.join(map(str, path))}: {rule}", fields=[Violation(path, rule)], reason="INVALID_CURSOR"
    )
