"""Rows of payments and refunds -> domain."""

from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from kit.db import Record, Statements
from kit.values import Money
from payment.intents.domain import Confirmation
from payment.payments.domain import Payment
from payment.payments.refund import Refund, RefundStatus
from payment.payments.status import PaymentStatus


async def with_refunds(db: Statements, rows: Sequence[Record]) -> list[Payment]:
    """The payments of rows; refunds are read only for payments with captured money."""
    captured = [row["id"] for row in rows if row["status"] == PaymentStatus.SUCCEEDED]
    refunds: dict[UUID, list[Record]] = defaultdict(list)
    if captured:
        sql = "SELECT * FROM refunds WHERE payment_id = ANY($1::uuid[]) ORDER BY create_time, id"
        for row in await db.fetch(sql, captured):
            refunds[row["payment_id"]].append(row)
    return [payment_from_row(row, refunds[row["id"]]) for row in rows]


async def first_with_refunds(db: Statements, sql: str, value: UUID | str) -> Payment | None:
    """The payment that a query finds."""
    payments = await with_refunds(db, await db.fetch(sql, value))
    return payments[0] if payments else None


def payment_from_row(row: Record, refunds: Sequence[Record]) -> Payment:
    """A payment with the rows of its refunds."""
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
        confirmation=Confirmation(row["confirmation"]),
        client_secret=bytes(row["client_secret"]),
        declines=row["declines"],
        save_method=row["save_method"],
        attempts=row["attempts"],
        due_time=row["due_time"],
        refunds=[refund_from_row(refund, row["currency"]) for refund in refunds],
    )


def refund_from_row(row: Record, currency: str) -> Refund:
    """A refund; its currency is the payment's."""
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
        rejections=row["refusals"],
    )
