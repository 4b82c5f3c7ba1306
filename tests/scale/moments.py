"""Converts the generator's numbers to the types of the stores."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from kit.db import Database, Transaction

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def moment(microseconds: int) -> datetime:
    """A time of the generated data."""
    return _EPOCH + timedelta(microseconds=microseconds)


def since_epoch(time: datetime) -> int:
    """A time in microseconds since 2000."""
    return int((time - _EPOCH).total_seconds()) * 1_000_000


def uuid(value: bytes) -> UUID:
    """An id of the generated data."""
    return UUID(bytes=value)


class _Undo(Exception):
    """Rolls a transaction back."""


def rolled_back(db: Database, run: Callable[[Transaction], Awaitable[Any]]) -> Callable[[], Awaitable[None]]:
    """A call in a transaction that is rolled back, so that it can be repeated."""

    async def call() -> None:
        try:
            async with db.transaction() as tx:
                await run(tx)
                raise _Undo
        except _Undo:
            return

    return call
