"""A fake database for tests of use cases: transactions without a server.

It records the events that committed transactions emitted. Rows belong to the test's fake store. A rollback does not undo changes of the
fake store; the store's contract tests cover that on PostgreSQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self


class FakeTransaction:
    """Collects emitted events; has no statements, because use cases run none."""

    def __init__(self, database: FakeDatabase) -> None:
        self._database = database
        self.events: list[object] = []

    async def emit(self, *events: object, headers: Sequence[str] = ()) -> None:
        """Collects the events until the block ends."""
        self.events.extend(events)

    async def __aenter__(self) -> Self:
        assert not self._database.in_transaction, "transactions do not nest"
        self._database.in_transaction = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.in_transaction = False
        if error is None:
            self._database.commits += 1
            self._database.events.extend(self.events)
        else:
            self._database.rollbacks += 1


class FakeDatabase:
    """Replaces a `Database` of which only `transaction()` is used.

    `events` are those that committed transactions emitted, in order.
    """

    def __init__(self) -> None:
        self.events: list[object] = []
        self.commits = 0
        self.rollbacks = 0
        self.in_transaction = False

    def transaction(self) -> Any:
        """A `FakeTransaction`."""
        return FakeTransaction(self)

    def notify_emitted(self) -> None:
        """Does nothing."""
