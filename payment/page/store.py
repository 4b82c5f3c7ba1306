"""Leases one payment."""

from datetime import datetime
from uuid import UUID

from kit.db import Database
from payment.payments.domain import Payment
from payment.payments.rows import payment_from_row

# The same condition as a worker's: of both, one gets the lease.
_CLAIM = """
UPDATE payments SET due_time = $3, attempts = attempts + 1
WHERE id = $1 AND due_time <= $2 AND status IN ('PROCESSING', 'REQUIRES_ACTION')
RETURNING *
"""


class PostgresStartStore:
    """`ports.StartStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def claim_payment(self, payment_id: UUID, now: datetime, lease: datetime) -> Payment | None:
        """One statement."""
        row = await self._db.fetchrow(_CLAIM, payment_id, now, lease)
        return payment_from_row(row, []) if row else None
