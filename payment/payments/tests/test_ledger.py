"""The ledger, on PostgreSQL: entries are complete, balanced and never changed."""

from uuid import uuid4

import pytest

from kit.db import CheckViolation
from kit.testing.fixtures import database_url, postgres
from payment.payments.refund import ProviderRefund
from payment.tests.store_contract import StoreHarness, harness, postgres_harness
from payment.tests.world import stores

__all__ = ["database_url", "harness", "postgres", "postgres_harness", "stores"]


async def test_the_ledger_books_each_capture_and_each_refund_once_and_sums_to_zero(
    postgres_harness: StoreHarness,
) -> None:
    payment = await postgres_harness.add_charged()
    ended = await postgres_harness.change(
        payment, lambda stored: stored.cancel_for_order(postgres_harness.clock.now)
    )
    [refund] = ended.refunds
    done = ProviderRefund("re_1", done=True)
    for _ in range(2):
        await postgres_harness.change(
            payment,
            lambda stored: stored.apply_refund_result(stored.refunds[0], done, postgres_harness.clock.now),
        )

    rows = await postgres_harness.db.fetch("SELECT entry, account, amount FROM ledger")
    assert {(row["entry"], row["account"], row["amount"]) for row in rows} == {
        (payment.id, "provider", 10_000),
        (payment.id, "customer", -10_000),
        (refund.id, "provider", -10_000),
        (refund.id, "customer", 10_000),
    }


_BOOK = "INSERT INTO ledger (entry, account, payment_id, amount, currency, time) VALUES "


async def test_nothing_is_booked_that_does_not_sum_to_zero(postgres_harness: StoreHarness) -> None:
    payment = await postgres_harness.add_charged()
    side = f"(gen_random_uuid(), 'provider', '{payment.id}', 1, 'USD', now())"
    entry = uuid4()

    def both(amount: int, currency: str) -> str:
        first = f"('{entry}', 'provider', '{payment.id}', 1, 'USD', now())"
        return f"{first}, ('{entry}', 'customer', '{payment.id}', {amount}, '{currency}', now())"

    for rows in (side, both(-2, "USD"), both(-1, "EUR")):
        with pytest.raises(CheckViolation) as refused:
            await postgres_harness.db.execute(_BOOK + rows)
        assert refused.value.constraint_name == "ledger_balances"
    await postgres_harness.db.execute(_BOOK + both(-1, "USD"))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger SET amount = 0",
        "DELETE FROM ledger",
        "TRUNCATE ledger",
        "DELETE FROM ledger WHERE false",
    ],
)
async def test_what_is_booked_stays(postgres_harness: StoreHarness, sql: str) -> None:
    await postgres_harness.add_charged()
    with pytest.raises(CheckViolation) as refused:
        await postgres_harness.db.execute(sql)
    assert refused.value.constraint_name == "ledger_stays"
