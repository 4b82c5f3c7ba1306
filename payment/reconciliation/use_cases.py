"""Compares the provider's charges and refunds with our payments, after our tables were restored to an earlier time.

Each difference is resolved in a transaction of its own, and a second run finds nothing more, so it can be interrupted and repeated. The
services may run: a payment is committed before its intent is created, so what they charge now is known.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.db import Database, Transaction, retry_on_contention
from kit.values import Clock
from payment.payments.ports import PaymentStore
from payment.reconciliation.domain import (
    Finding,
    MadeRefund,
    Outcome,
    ProviderCharge,
    payment_of_lost_order,
    reconcile_charge,
    reconcile_refunds,
)
from payment.reconciliation.ports import ProviderRecords

# An intent that was created before the restored time may have been stored, and charged, after it.
_MARGIN: Final = timedelta(hours=1)


class Reconciliation:
    """Reconciles with the provider."""

    def __init__(
        self, db: Database, payments: PaymentStore, provider: ProviderRecords, *, clock: Clock
    ) -> None:
        self._db = db
        self._payments = payments
        self._provider = provider
        self._clock = clock

    async def run(self, since: datetime) -> AsyncIterator[Finding]:
        """Resolves what the provider has done since then and we do not know; each difference is yielded once it is resolved."""
        refunds: dict[str, list[MadeRefund]] = defaultdict(list)
        async for refund in self._provider.refunds(since - _MARGIN):
            refunds[refund.intent_id].append(refund)
        async for charge in self._provider.charges(since - _MARGIN):
            for finding in await self._reconcile(charge, refunds.pop(charge.intent.id, [])):
                yield finding
        # Of intents that are older.
        for intent_id, made in refunds.items():
            for finding in await self._reconcile_refunds(intent_id, made):
                yield finding

    @retry_on_contention
    async def _reconcile(self, charge: ProviderCharge, refunds: Sequence[MadeRefund]) -> list[Finding]:
        async with self._db.transaction() as tx:
            payment = await self._payments.lock(tx, charge.payment_id)
            if payment is None:
                return await self._lost(tx, charge, refunds)
            outcome = reconcile_charge(payment, charge, self._clock())
            added = []
            if payment.captured.minor and payment.provider_id == charge.intent.id:
                added = reconcile_refunds(payment, refunds, self._clock())
            if outcome or added:
                await self._payments.save(tx, payment)
        return [*_of_charge(charge, outcome), *(_of_refund(charge.payment_id, made) for made in added)]

    async def _lost(
        self, tx: Transaction, charge: ProviderCharge, refunds: Sequence[MadeRefund]
    ) -> list[Finding]:
        """An order that we do not know: what was charged for it is refunded, unless that was done already."""
        if not charge.may_take_money:
            return []
        if charge.account_id is None:
            return _of_charge(charge, Outcome.NO_ACCOUNT)
        payment = payment_of_lost_order(charge, charge.account_id, self._clock())
        await self._payments.add(tx, [payment])
        reconcile_refunds(payment, refunds, self._clock())
        payment.cancel_for_order(self._clock())
        await self._payments.save(tx, payment)
        return _of_charge(charge, Outcome.LOST_ORDER)

    @retry_on_contention
    async def _reconcile_refunds(self, intent_id: str, refunds: Sequence[MadeRefund]) -> list[Finding]:
        async with self._db.transaction() as tx:
            payment = await self._payments.lock_by_intent(tx, intent_id)
            if payment is None or not payment.captured.minor:
                return []
            added = reconcile_refunds(payment, refunds, self._clock())
            if added:
                await self._payments.save(tx, payment)
        return [_of_refund(payment.id, made) for made in added]


def _of_charge(charge: ProviderCharge, outcome: Outcome | None) -> list[Finding]:
    return [Finding(charge.payment_id, charge.intent.id, charge.amount, outcome)] if outcome else []


def _of_refund(payment_id: UUID, made: MadeRefund) -> Finding:
    return Finding(payment_id, made.state.id, made.amount, Outcome.REFUND_ADDED)
