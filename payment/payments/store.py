"""Writes payments, refunds and the ledger. Ledger entries are derived from a payment's state; each is written once."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from kit.db import Database, Transaction, transpose
from kit.guests import MERGED_ACCOUNT
from kit.values import REFUND
from payment.payments.domain import Payment
from payment.payments.refund import Refund, RefundStatus
from payment.payments.rows import first_with_refunds, with_refunds

# ON CONFLICT has no target because either unique index (id, order_id) may be violated first: the id is derived from order_id.
_ADD = f"""
INSERT INTO payments (
    id, order_id, account_id, amount, currency, payment_method, pay_before, status, order_cancelled, provider_id, confirmed,
    provider_failures, failure_code, next_action_url, attempts, due_time, create_time, update_time, confirmation, save_method
)
SELECT id, order_id, {MERGED_ACCOUNT.format("p.account_id")}, amount, currency, payment_method, pay_before, status,
    order_cancelled, '', false, 0, '', '', 0, due_time, create_time, create_time, confirmation, save_method
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::bool[],
    $10::timestamptz[], $11::timestamptz[], $12::text[], $13::bool[]) AS p(
    id, order_id, account_id, amount, currency, payment_method, pay_before, status, order_cancelled, due_time, create_time, confirmation,
    save_method
)
ORDER BY order_id
ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608 - built from constants
_SAVE = """
UPDATE payments p SET status = s.status, order_cancelled = s.order_cancelled, provider_id = s.provider_id, confirmed = s.confirmed,
    provider_failures = s.provider_failures, failure_code = s.failure_code, next_action_url = s.next_action_url, due_time = s.due_time,
    update_time = s.update_time, client_secret = s.client_secret
FROM unnest($1::uuid[], $2::text[], $3::bool[], $4::text[], $5::bool[], $6::int[], $7::text[], $8::text[], $9::timestamptz[],
    $10::timestamptz[], $11::bytea[]) AS s(
    id, status, order_cancelled, provider_id, confirmed, provider_failures, failure_code, next_action_url, due_time, update_time,
    client_secret
)
WHERE p.id = s.id
"""
# `only_after`: the reversal of a refund is written only if the refund itself was.
_SAVE_WITH_LEDGER = f"""
WITH saved AS ({_SAVE}), saved_refunds AS (
    INSERT INTO refunds (
        id, payment_id, amount, reason, status, provider_id, provider_failures, attempts, due_time, create_time, update_time,
        input_hash, refusals
    )
    SELECT r.id, r.payment_id, r.amount, r.reason, r.status, r.provider_id, r.provider_failures, 0, r.due_time, r.create_time,
        r.update_time, r.input_hash, r.refusals
    FROM unnest($12::uuid[], $13::uuid[], $14::bigint[], $15::text[], $16::text[], $17::text[], $18::int[], $19::timestamptz[],
        $20::timestamptz[], $21::timestamptz[], $22::bytea[], $23::int[]) AS r(
        id, payment_id, amount, reason, status, provider_id, provider_failures, due_time, create_time, update_time, input_hash, refusals
    )
    ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, provider_id = EXCLUDED.provider_id,
        provider_failures = EXCLUDED.provider_failures, due_time = EXCLUDED.due_time, update_time = EXCLUDED.update_time,
        refusals = EXCLUDED.refusals
)
INSERT INTO ledger (entry, account, payment_id, amount, currency, time)
SELECT e.entry, side.account, e.payment_id, side.sign * e.amount, e.currency, e.time
FROM unnest($24::uuid[], $25::uuid[], $26::bigint[], $27::text[], $28::timestamptz[], $29::uuid[])
    AS e(entry, payment_id, amount, currency, time, only_after),
    (VALUES ('provider', 1), ('customer', -1)) AS side(account, sign)
WHERE e.only_after IS NULL OR EXISTS (SELECT FROM ledger WHERE entry = e.only_after)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - built from constants
_LOCK_BY_INTENT = "SELECT * FROM payments WHERE provider_id = $1 AND provider_id <> '' FOR UPDATE"


class PostgresPaymentStore:
    """`ports.PaymentStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, tx: Transaction, payments: Sequence[Payment]) -> set[UUID]:
        """Inserts in order of order ids, so that two consumers with the same orders (a rebalance) cannot deadlock."""
        rows = (
            (
                p.id,
                p.order_id,
                p.account_id,
                p.amount.minor,
                p.amount.currency,
                p.payment_method,
                p.pay_before,
                p.status,
                p.order_cancelled,
                p.due_time,
                p.create_time,
                p.confirmation,
                p.save_method,
            )
            for p in payments
        )
        return {row["id"] for row in await tx.fetch(_ADD, *transpose(rows, 13))}

    async def lock(self, tx: Transaction, payment_id: UUID) -> Payment | None:
        """A payment, locked until the transaction ends."""
        return next(iter(await self.lock_many(tx, [payment_id])), None)

    async def lock_many(self, tx: Transaction, ids: Collection[UUID]) -> list[Payment]:
        """Locks in order of ids, so that two transactions with the same payments cannot deadlock."""
        return await self._lock(tx, "id", ids)

    async def lock_by_orders(self, tx: Transaction, order_ids: Sequence[UUID]) -> list[Payment]:
        """Locks in order of ids, as `lock_many`."""
        return await self._lock(tx, "order_id", order_ids)

    async def lock_by_intent(self, tx: Transaction, provider_id: str) -> Payment | None:
        """By the partial index of the provider's ids."""
        return await first_with_refunds(tx, _LOCK_BY_INTENT, provider_id)

    async def save(self, tx: Transaction, *payments: Payment) -> None:
        """One statement; without captured money there are no refunds and ledger entries to write."""
        rows = transpose(map(_payment_columns, payments), 11)
        if not any(payment.captured.minor for payment in payments):
            await tx.execute(_SAVE, *rows)
            return
        refunds = (_refund_columns(refund) for payment in payments for refund in payment.refunds)
        entries = (entry for payment in payments for entry in _ledger_entries(payment))
        await tx.execute(_SAVE_WITH_LEDGER, *rows, *transpose(refunds, 12), *transpose(entries, 6))

    async def get_many(self, ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        """Checks ownership in the query."""
        return await self._find("id", ids, owner)

    async def find_by_orders(self, order_ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        """Checks ownership in the query."""
        return await self._find("order_id", order_ids, owner)

    async def _lock(self, tx: Transaction, column: str, values: Collection[UUID]) -> list[Payment]:
        sql = f"SELECT * FROM payments WHERE {column} = ANY($1::uuid[]) ORDER BY id FOR UPDATE"  # noqa: S608 - built from constants
        return await with_refunds(tx, await tx.fetch(sql, list(values)))

    async def _find(self, column: str, values: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        where = f"{column} = ANY($1::uuid[]) AND ($2::uuid IS NULL OR account_id = $2)"
        rows = await self._db.fetch(f"SELECT * FROM payments WHERE {where}", list(values), owner)  # noqa: S608 - built from constants
        return await with_refunds(self._db, rows)


def _payment_columns(payment: Payment) -> tuple[Any, ...]:
    return (
        payment.id,
        payment.status,
        payment.order_cancelled,
        payment.provider_id,
        payment.confirmed,
        payment.provider_failures,
        payment.failure_code,
        payment.next_action_url,
        payment.due_time,
        payment.update_time,
        payment.client_secret,
    )


def _refund_columns(refund: Refund) -> tuple[Any, ...]:
    return (
        refund.id,
        refund.payment_id,
        refund.amount.minor,
        refund.reason,
        refund.status,
        refund.provider_id,
        refund.provider_failures,
        refund.due_time,
        refund.create_time,
        refund.update_time,
        refund.input_hash,
        refund.rejections,
    )


def _ledger_entries(payment: Payment) -> Iterable[tuple[Any, ...]]:
    """The capture, each refund, and the reversal of a refund that the bank returned, each with its own id."""

    def entry(entry_id: UUID, minor: int, only_after: UUID | None = None) -> tuple[Any, ...]:
        return entry_id, payment.id, minor, payment.amount.currency, payment.update_time, only_after

    if payment.captured.minor:
        yield entry(payment.id, payment.captured.minor)
    for refund in payment.refunds:
        if refund.status is RefundStatus.SUCCEEDED:
            yield entry(refund.id, -refund.amount.minor)
        elif refund.status is RefundStatus.FAILED:
            # "came back" is part of stored ids.
            yield entry(REFUND.derive("came back", str(refund.id)), refund.amount.minor, refund.id)
