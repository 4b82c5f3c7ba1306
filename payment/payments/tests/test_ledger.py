"""The ledger, on PostgreSQL: entries are complete, balanced and never changed."""

from uuid import uuid4

import pytest

from kit.db import CheckViolation
from kit.testing.fixtures import database_url, postgres
from payment.payments.refund import ProviderRefund
from payment.tests.store_contract import StoreHarness, harness, postgres_harness
from payment.tests.world import stores

__all__ = ["database_url", "harness", "postgres", "postgres_harness", "stores"]


async def test_captures_and_refunds_are_written_to_the_ledger_once_and_sum_to_zero(
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


_INSERT = "INSERT INTO ledger (entry, account, payment_id, amount, currency, time) VALUES "


async def test_unbalanced_entries_are_rejected(postgres_harness: StoreHarness) -> None:
    payment = await postgres_harness.add_charged()
    side = f"(gen_random_uuid(), 'provider', '{payment.id}', 1, 'USD', now())"
    entry = uuid4()

    def both(amount: int, currency: str) -> str:
        first = f"('{entry}', 'provider', '{payment.id}', 1, 'USD', now())"
        return f"{first}, ('{entry}', 'customer', '{payment.id}', {amount}, '{currency}', now())"

    for rows in (side, both(-2, "USD"), both(-1, "EUR")):
        with pytest.raises(CheckViolation) as rejected:
            await postgres_harness.db.execute(_INSERT + rows)
        assert rejected.value.constraint_name == "ledger_balances"
    await postgres_harness.db.execute(_INSERT + both(-1, "USD"))


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE ledger SET amount = 0",
        "DELETE FROM ledger",
        "TRUNCATE ledger",
        "DELETE FROM ledger WHERE false",
    ],
)
async def test_ledger_entries_cannot_be_changed(postgres_harness: StoreHarness, sql: str) -> None:
    await postgres_harness.add_charged()
    with pytest.raises(CheckViolation) as rejected:
        await postgres_harness.db.execute(sql)
    assert rejected.value.constraint_name == "ledger_stays"
