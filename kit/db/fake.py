"""A database for tests of use cases: transactions without a server.

It keeps the events that committed transactions emitted. Rows are the business of the test's fake store; undoing a fake
store's changes on rollback is not here, the store contract shows that on PostgreSQL.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self


class FakeTransaction:
    """Collects what is emitted; has no statements, because use cases have none."""

    def __init__(self, database: FakeDatabase) -> None:
        self._database = database
        self.events: list[object] = []

    async def emit(self, *events: object) -> None:
        """Remembers the events until the block ends."""
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
    """Stands in for `Database` where only `transaction()` is used.

    `events`: what committed transactions emitted, in order. Pass it where a `Database` is asked for.
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
        """Nothing waits for it."""
