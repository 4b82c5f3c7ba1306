"""Leases and cancels due payments."""

from datetime import datetime

from kit.db import Database
from payment.leases.sql import lease_rows
from payment.payments.domain import Payment
from payment.payments.rows import payment_from_row

# No charge was started, and none may start any more.
_EXPIRED_UNCHARGED = "provider_id = '' AND (order_cancelled OR pay_before <= $1)"
_CANCEL_EXPIRED = """
UPDATE payments SET status = 'CANCELLED', due_time = NULL, update_time = $1
WHERE id = ANY (ARRAY(
    SELECT id FROM payments WHERE due_time <= $1 AND {expired} ORDER BY due_time LIMIT {limit:d} FOR UPDATE SKIP LOCKED
))
"""


class PostgresChargeStore:
    """`ports.ChargeStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def claim_payments(self, now: datetime, lease: datetime, limit: int) -> list[Payment]:
        """Without their refunds, which a charge does not need."""
        sql = lease_rows("payments", limit, condition=f"NOT ({_EXPIRED_UNCHARGED})")
        return [payment_from_row(row, []) for row in await self._db.fetch(sql, now, lease)]

    async def cancel_expired(self, now: datetime, limit: int) -> int:
        """One statement. A payment that a worker has leased is not due."""
        sql = _CANCEL_EXPIRED.format(expired=_EXPIRED_UNCHARGED, limit=limit)
        tag = await self._db.execute(sql, now)
        return int(tag.rpartition(" ")[2])
