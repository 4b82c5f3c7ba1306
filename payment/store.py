"""The only reader and writer of payments, refunds and the ledger: rows <-> domain.

Who may see a payment is part of the query. The ledger follows from what a payment is: each capture and each refund is booked once.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from kit.db import Database, Record, Statements, Transaction, transpose
from kit.values import REFUND, Money
from payment.domain import Payment, PaymentStatus
from payment.ports import Hint
from payment.refund_domain import Refund, RefundStatus

# Whichever unique index: id follows from order_id, and with one of them named, the other's may strike first while the row changes.
_ADD = """
INSERT INTO payments (
    id, order_id, account_id, amount, currency, payment_method, pay_before, status, order_cancelled, provider_id, confirmed,
    provider_failures, failure_code, next_action_url, attempts, due_time, create_time, update_time
)
SELECT id, order_id, account_id, amount, currency, payment_method, pay_before, status, order_cancelled, '', false, 0, '', '', 0,
    due_time, create_time, create_time
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::text[], $6::text[], $7::timestamptz[], $8::text[], $9::bool[],
    $10::timestamptz[], $11::timestamptz[]) AS p(
    id, order_id, account_id, amount, currency, payment_method, pay_before, status, order_cancelled, due_time, create_time
)
ORDER BY order_id
ON CONFLICT DO NOTHING RETURNING id
"""
_SAVE = """
UPDATE payments p SET status = s.status, order_cancelled = s.order_cancelled, provider_id = s.provider_id, confirmed = s.confirmed,
    provider_failures = s.provider_failures, failure_code = s.failure_code, next_action_url = s.next_action_url, due_time = s.due_time,
    update_time = s.update_time
FROM unnest($1::uuid[], $2::text[], $3::bool[], $4::text[], $5::bool[], $6::int[], $7::text[], $8::text[], $9::timestamptz[],
    $10::timestamptz[]) AS s(
    id, status, order_cancelled, provider_id, confirmed, provider_failures, failure_code, next_action_url, due_time, update_time
)
WHERE p.id = s.id
"""
# What came back of a refund that had succeeded is booked only if the refund was.
_SAVE_AND_BOOK = f"""
WITH saved AS ({_SAVE}), given_back AS (
    INSERT INTO refunds (
        id, payment_id, amount, reason, status, provider_id, provider_failures, attempts, due_time, create_time, update_time,
        input_hash, refusals
    )
    SELECT r.id, r.payment_id, r.amount, r.reason, r.status, r.provider_id, r.provider_failures, 0, r.due_time, r.create_time,
        r.update_time, r.input_hash, r.refusals
    FROM unnest($11::uuid[], $12::uuid[], $13::bigint[], $14::text[], $15::text[], $16::text[], $17::int[], $18::timestamptz[],
        $19::timestamptz[], $20::timestamptz[], $21::bytea[], $22::int[]) AS r(
        id, payment_id, amount, reason, status, provider_id, provider_failures, due_time, create_time, update_time, input_hash, refusals
    )
    ON CONFLICT (id) DO UPDATE SET status = EXCLUDED.status, provider_id = EXCLUDED.provider_id,
        provider_failures = EXCLUDED.provider_failures, due_time = EXCLUDED.due_time, update_time = EXCLUDED.update_time,
        refusals = EXCLUDED.refusals
)
INSERT INTO ledger (entry, account, payment_id, amount, currency, time)
SELECT b.entry, side.account, b.payment_id, side.sign * b.amount, b.currency, b.time
FROM unnest($23::uuid[], $24::uuid[], $25::bigint[], $26::text[], $27::timestamptz[], $28::uuid[])
    AS b(entry, payment_id, amount, currency, time, only_after),
    (VALUES ('provider', 1), ('customer', -1)) AS side(account, sign)
WHERE b.only_after IS NULL OR EXISTS (SELECT FROM ledger WHERE entry = b.only_after)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - a constant
# The limit is part of the text: a plan for any number would read the whole table.
_LEASE = """
UPDATE {table} SET due_time = $2, attempts = attempts + 1
WHERE id IN (
    SELECT id FROM {table} WHERE due_time <= $1 AND {wanted} ORDER BY due_time LIMIT {limit:d} FOR UPDATE SKIP LOCKED
)
RETURNING *
"""
_OPEN = "status IN ('PROCESSING', 'REQUIRES_ACTION')"
# For which no charge was begun and none may begin any more.
_DEAD = "provider_id = '' AND (order_cancelled OR pay_before <= $1)"
_GIVE_UP = """
UPDATE payments SET status = 'CANCELLED', due_time = NULL, update_time = $1
WHERE id IN (
    SELECT id FROM payments WHERE due_time <= $1 AND {open} AND {dead} ORDER BY due_time LIMIT {limit:d} FOR UPDATE SKIP LOCKED
)
"""
# The second condition is the index's own; a plan for any $1 cannot know that it holds. What is open only is worth a row of the inbox.
_CHANGED = """
WITH waiting AS (
    SELECT id FROM {table} WHERE provider_id = $1 AND provider_id <> '' AND due_time IS NOT NULL
), heard AS (
    INSERT INTO inbox (consumer, event_id) SELECT 'stripe', $3::uuid FROM waiting ON CONFLICT DO NOTHING RETURNING event_id
), changed AS (
    UPDATE {table} SET due_time = least(due_time, $2)
    WHERE id IN (SELECT id FROM waiting) AND due_time IS NOT NULL AND EXISTS (SELECT FROM heard)
    RETURNING id
)
SELECT status FROM {table} WHERE provider_id = $1 AND provider_id <> '' AND ({settled} OR EXISTS (SELECT FROM changed))
"""
_INTENT_CHANGED = _CHANGED.format(table="payments", settled="false")
_REFUND_CHANGED = _CHANGED.format(table="refunds", settled="due_time IS NULL")


class PostgresPaymentStore:
    """`ports.PaymentStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, tx: Transaction, payments: Sequence[Payment]) -> set[UUID]:
        """One statement; in the orders' order, so that two consumers with the same orders (a rebalance) cannot deadlock."""
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
            )
            for p in payments
        )
        return {row["id"] for row in await tx.fetch(_ADD, *transpose(rows, 11))}

    async def lock(self, tx: Transaction, payment_id: UUID) -> Payment | None:
        """A payment, locked until the transaction ends."""
        return await _first(tx, "SELECT * FROM payments WHERE id = $1 FOR UPDATE", payment_id)

    async def lock_by_orders(self, tx: Transaction, order_ids: Sequence[UUID]) -> list[Payment]:
        """In the order of their ids, so that two consumers with the same orders cannot deadlock."""
        sql = "SELECT * FROM payments WHERE order_id = ANY($1::uuid[]) ORDER BY id FOR UPDATE"
        return await _with_refunds(tx, await tx.fetch(sql, list(order_ids)))

    async def lock_by_refund(self, tx: Transaction, provider_id: str) -> Payment | None:
        """The payment that a refund of the provider's belongs to, locked until the transaction ends."""
        return await _first(tx, _LOCK_BY_REFUND, provider_id)

    async def lock_refund(self, tx: Transaction, refund_id: UUID) -> Refund | None:
        """First a lock that stands for the id, whether there is a row or not; then the reading."""
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", str(refund_id))
        row = await tx.fetchrow(_REFUND, refund_id)
        return _refund(row, row["currency"]) if row else None

    async def save(self, tx: Transaction, *payments: Payment) -> None:
        """One statement; a short one before anything was captured, when there is nothing to give back or to book either."""
        rows = transpose(map(_saved, payments), 10)
        if not any(payment.captured.minor for payment in payments):
            await tx.execute(_SAVE, *rows)
            return
        refunds = (_saved_refund(refund) for payment in payments for refund in payment.refunds)
        booked = (entry for payment in payments for entry in _booked(payment))
        await tx.execute(_SAVE_AND_BOOK, *rows, *transpose(refunds, 12), *transpose(booked, 6))

    async def get_many(self, ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        """The payments among the ids."""
        return await self._owned("id", ids, owner)

    async def of_orders(self, order_ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        """The payments of orders."""
        return await self._owned("order_id", order_ids, owner)

    async def claim(self, now: datetime, lease: datetime, limit: int) -> list[Payment]:
        """Without their refunds, which a charge does not ask for."""
        sql = _LEASE.format(table="payments", wanted=f"{_OPEN} AND NOT ({_DEAD})", limit=limit)
        rows = await self._db.fetch(sql, now, lease)
        return [_payment(row, []) for row in rows]

    async def give_up(self, now: datetime, limit: int) -> int:
        """One statement; what a worker has leased is not due."""
        tag = await self._db.execute(_GIVE_UP.format(open=_OPEN, dead=_DEAD, limit=limit), now)
        return int(tag.rpartition(" ")[2])

    async def claim_refunds(self, now: datetime, lease: datetime, limit: int) -> list[Refund]:
        """Leases refunds that are due."""
        leased = _LEASE.format(table="refunds", wanted="status = 'PENDING'", limit=limit)
        rows = await self._db.fetch(_WITH_CURRENCY.format(leased=leased), now, lease)
        return [_refund(row, row["currency"]) for row in rows]

    async def intent_changed(self, hint: Hint, now: datetime) -> bool:
        """One statement: what was heard is kept with its effect, or neither is."""
        return await self._db.fetchval(_INTENT_CHANGED, hint.intent_id, now, hint.event_id) is not None

    async def refund_changed(self, hint: Hint, now: datetime) -> RefundStatus | None:
        """One statement, too; of a pending refund that was told already, nothing."""
        status = await self._db.fetchval(_REFUND_CHANGED, hint.refund_id, now, hint.event_id)
        return RefundStatus(status) if status else None

    async def _owned(self, column: str, values: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        where = f"{column} = ANY($1::uuid[]) AND ($2::uuid IS NULL OR account_id = $2)"
        rows = await self._db.fetch(f"SELECT * FROM payments WHERE {where}", list(values), owner)  # noqa: S608 - a constant's name
        return await _with_refunds(self._db, rows)


_REFUND = "SELECT r.*, p.currency FROM refunds r JOIN payments p ON p.id = r.payment_id WHERE r.id = $1"
_LOCK_BY_REFUND = """
SELECT * FROM payments WHERE id = (SELECT payment_id FROM refunds WHERE provider_id = $1 AND provider_id <> '') FOR UPDATE
"""
_WITH_CURRENCY = """
WITH leased AS ({leased}) SELECT leased.*, p.currency FROM leased JOIN payments p ON p.id = leased.payment_id
"""


async def _first(tx: Transaction, sql: str, value: UUID | str) -> Payment | None:
    found = await _with_refunds(tx, await tx.fetch(sql, value))
    return found[0] if found else None


async def _with_refunds(db: Statements, rows: Sequence[Record]) -> list[Payment]:
    """Refunds are asked for only where there may be some: money must have come in first."""
    charged = [row["id"] for row in rows if row["status"] == PaymentStatus.SUCCEEDED]
    refunds: dict[UUID, list[Record]] = defaultdict(list)
    if charged:
        sql = "SELECT * FROM refunds WHERE payment_id = ANY($1::uuid[]) ORDER BY create_time, id"
        for row in await db.fetch(sql, charged):
            refunds[row["payment_id"]].append(row)
    return [_payment(row, refunds[row["id"]]) for row in rows]


def _saved(payment: Payment) -> tuple[Any, ...]:
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
    )


def _saved_refund(refund: Refund) -> tuple[Any, ...]:
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
        refund.refusals,
    )


def _booked(payment: Payment) -> Iterable[tuple[Any, ...]]:
    """What came in, what went out and what of that came back, each under an id of its own; the last only after the second."""

    def entry(entry_id: UUID, minor: int, only_after: UUID | None = None) -> tuple[Any, ...]:
        return entry_id, payment.id, minor, payment.amount.currency, payment.update_time, only_after

    if payment.captured.minor:
        yield entry(payment.id, payment.captured.minor)
    for refund in payment.refunds:
        if refund.status is RefundStatus.SUCCEEDED:
            yield entry(refund.id, -refund.amount.minor)
        elif refund.status is RefundStatus.FAILED:
            yield entry(REFUND.derive("came back", str(refund.id)), refund.amount.minor, refund.id)


def _payment(row: Record, refunds: Sequence[Record]) -> Payment:
    return Payment(
        id=row["id"],
        order_id=row["order_id"],
        account_id=row["account_id"],
        amount=Money(row["amount"], row["currency"]),
        payment_method=row["payment_method"],
        pay_before=row["pay_before"],
        status=PaymentStatus(row["status"]),
        order_cancelled=row["order_cancelled"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        provider_id=row["provider_id"],
        confirmed=row["confirmed"],
        provider_failures=row["provider_failures"],
        failure_code=row["failure_code"],
        next_action_url=row["next_action_url"],
        attempts=row["attempts"],
        due_time=row["due_time"],
        refunds=[_refund(refund, row["currency"]) for refund in refunds],
    )


def _refund(row: Record, currency: str) -> Refund:
    return Refund(
        id=row["id"],
        payment_id=row["payment_id"],
        amount=Money(row["amount"], currency),
        reason=row["reason"],
        status=RefundStatus(row["status"]),
        create_time=row["create_time"],
        update_time=row["update_time"],
        provider_id=row["provider_id"],
        provider_failures=row["provider_failures"],
        attempts=row["attempts"],
        due_time=row["due_time"],
        input_hash=bytes(row["input_hash"]),
        refusals=row["refusals"],
    )
