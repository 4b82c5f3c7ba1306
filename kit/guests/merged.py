"""Applies GuestMerged to a service's tables: to the rows that are there, and to those that arrive later.

The service has the table `merged_accounts` (its migration) and consumes `GuestMerged` with `MergedGuests.merged`. Rows that it inserts for
an account use MERGED_ACCOUNT, so that a late event of a guest already belongs to the account. What two concurrent transactions miss, a
job finds.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from souk.account.v1 import events_pb2 as pb

from kit.db import Database, Transaction, retry_on_contention
from kit.events import Event
from kit.values import ACCOUNT, Clock
from kit.work import PeriodicJob

# In SQL, the account to which rows of the account `{}` belong.
MERGED_ACCOUNT: Final = "coalesce((SELECT into_id FROM merged_accounts WHERE guest_id = {0}), {0})"
_SECONDS: Final = 30.0
# Longer than a guest's last access token, and than any transaction.
_LOOKBACK: Final = timedelta(hours=1)
_RECORD = (
    "INSERT INTO merged_accounts (guest_id, into_id, merge_time) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
)
# Locks in id order to avoid deadlocks.
_MOVE = """
UPDATE {0} SET account_id = $2
WHERE id = ANY (ARRAY(SELECT id FROM {0} WHERE account_id = $1 ORDER BY id FOR UPDATE))
"""
_LATE = "SELECT guest_id, into_id FROM merged_accounts m WHERE merge_time >= $1 AND ({0})"
_HAS_ROWS = "EXISTS (SELECT FROM {0} WHERE account_id = m.guest_id)"

# Called in the transaction, with the guest and the account, after the guest's rows were given to it.
OnMerged = Callable[[Transaction, UUID, UUID], Awaitable[None]]


class MergedGuests:
    """Gives the rows of merged guests to their accounts, in `tables` with the columns `id` and `account_id`.

    `on_merged` does what the tables do not cover, such as `others`, tables with the same columns. It may be called again, also for an
    account that was deleted.
    """

    def __init__(
        self,
        db: Database,
        tables: Sequence[str],
        on_merged: OnMerged | None = None,
        *,
        others: Sequence[str] = (),
        clock: Clock,
    ) -> None:
        self._db = db
        self._tables = tables
        self._watched = [*tables, *others]
        self._on_merged = on_merged
        self._clock = clock

    async def merged(self, tx: Transaction, event: Event[pb.GuestMerged]) -> None:
        """The handler of GuestMerged; repeating it changes nothing."""
        guest_id = ACCOUNT.parse(event.body.guest_id, "guest_id")
        into_id = ACCOUNT.parse(event.body.into_id, "into_id")
        await tx.execute(_RECORD, guest_id, into_id, self._clock())
        await self._move(tx, guest_id, into_id)

    def job(self, name: str) -> PeriodicJob:
        """Applies recent merges to rows that were written concurrently, or by the guest's last access tokens."""
        return PeriodicJob(name, _SECONDS, self.apply_to_late_rows)

    @retry_on_contention
    async def apply_to_late_rows(self) -> None:
        """One look-up of recent merges; a transaction for each with rows of its guest."""
        late = _LATE.format(" OR ".join(_HAS_ROWS.format(table) for table in self._watched))
        for row in await self._db.fetch(late, self._clock() - _LOOKBACK):
            async with self._db.transaction() as tx:
                await self._move(tx, row["guest_id"], row["into_id"])

    async def _move(self, tx: Transaction, guest_id: UUID, into_id: UUID) -> None:
        for table in self._tables:
            await tx.execute(_MOVE.format(table), guest_id, into_id)
        if self._on_merged is not None:
            await self._on_merged(tx, guest_id, into_id)
