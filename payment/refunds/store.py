"""Locks and leases refunds. They are written with their payment (`payments.store`)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from kit.db import Database, Transaction
from payment.leases.sql import lease_rows
from payment.payments.domain import Payment
from payment.payments.refund import Refund
from payment.payments.rows import first_with_refunds, refund_from_row

_REFUND = "SELECT r.*, p.currency FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE r.id = $1"
_LOCK_BY_REFUND = """
SELECT * FROM payments WHERE id = (SELECT payment_id FROM refunds WHERE provider_id = $1 AND provider_id <> '') FOR UPDATE
"""
_WITH_CURRENCY = """
WITH leased AS ({leased}) SELECT leased.*, p.currency FROM leased JOIN payments p ON p.id = leased.payment_id
"""


class PostgresRefundStore:
    """`ports.RefundStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def lock_refund(self, tx: Transaction, refund_id: UUID) -> Refund | None:
        """Takes an advisory lock on the id, because there may be no row to lock yet, and reads the row under it."""
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(refund_id))
        row = await tx.fetchrow(_REFUND, refund_id)
        return refund_from_row(row, row["currency"]) if row else None

    async def lock_by_refund(self, tx: Transaction, provider_id: str) -> Payment | None:
        """The payment whose refund has an id at the provider."""
        return await first_with_refunds(tx, _LOCK_BY_REFUND, provider_id)

    async def claim_refunds(self, now: datetime, lease: datetime, limit: int) -> Sequence[Refund]:
        """Leases pending refunds that are due."""
        leased = lease_rows("refunds", limit)
        rows = await self._db.fetch(_WITH_CURRENCY.format(leased=leased), now, lease)
        return [refund_from_row(row, row["currency"]) for row in rows]
