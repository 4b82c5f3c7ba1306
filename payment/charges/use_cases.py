"""Charging. Each provider call sits between two transactions and is idempotent.

A crash leaves a due row; the next worker reads the provider's state before it continues. What a worker writes is checked against its
lease: a worker whose lease has passed to another one changes nothing.
"""

from datetime import datetime
from typing import Final

from kit.db import Database
from kit.telemetry import get_logger
from kit.values import PAYMENT, Clock
from kit.work import LeaseLost
from payment.charges.changes import Change, LeasedChanges
from payment.charges.ports import ChargeProvider, ChargeStore
from payment.intents.domain import Intent, IntentStatus
from payment.leases.domain import LEASE
from payment.metrics import PAYMENTS
from payment.payments.domain import DomainEvent, Payment, PaymentFailed, PaymentSucceeded
from payment.payments.ports import PaymentStore
from payment.provider.errors import ProviderFailed, ProviderRejected, ProviderUnavailable

log = get_logger(__name__)

_OVERDUE_BATCH_SIZE: Final = 1000
# The public API's failure code of a payment whose intent the provider rejected.
_REJECTED_CODE: Final = "processing_error"


class Charges:
    """Charges due payments."""

    def __init__(
        self,
        db: Database,
        payments: PaymentStore,
        store: ChargeStore,
        provider: ChargeProvider,
        *,
        clock: Clock,
    ) -> None:
        self._changes = LeasedChanges(db, payments, clock=clock)
        self._store = store
        self._provider = provider
        self._clock = clock

    async def claim(self, limit: int) -> list[Payment]:
        """Leases due payments; none while the provider is down."""
        now, limit = self._clock(), self._provider.available_permits(limit)
        return await self._store.claim_payments(now, now + LEASE, limit) if limit else []

    def may_call_provider(self) -> bool:
        """Whether a call to the provider may start now."""
        return self._provider.available_permits(1) > 0

    async def cancel_expired(self) -> None:
        """Cancels payments that may no longer be charged, in large batches: they must not queue with those to charge."""
        while cancelled := await self._store.cancel_expired(self._clock(), _OVERDUE_BATCH_SIZE):
            PAYMENTS.labels("cancelled").inc(cancelled)
            if cancelled < _OVERDUE_BATCH_SIZE:
                return

    async def advance(self, payment: Payment) -> None:
        """Takes a leased payment as far as possible; retries later if the provider is unavailable.

        Raises LeaseLost if another worker has taken over.
        """
        try:
            await self._advance(payment)
        except ProviderRejected as error:
            await self._reject(payment, error)
        except (ProviderUnavailable, ProviderFailed) as error:
            await self._schedule_retry(payment, error)

    async def _advance(self, payment: Payment) -> None:
        if not payment.provider_id and not payment.may_charge(self._clock()):
            await self._cancel(payment)
            return
        intent = await self._current_intent(payment)
        if self._must_confirm(payment, intent):
            # Committed before the call: from here on only the provider knows whether it has charged.
            payment = await self._mark_confirmed(payment, intent)
            if payment.may_charge(self._clock()):
                self._require_lease(payment)
                intent = await self._provider.confirm(payment)
        if self._must_cancel(payment, intent):
            payment = await self._save_intent(payment, intent)
            intent = await self._provider.cancel(payment)
        await self._save_intent(payment, intent)

    async def _current_intent(self, payment: Payment) -> Intent:
        if not payment.provider_id:
            self._require_lease(payment)
            return await self._provider.create(payment)
        if payment.is_confirmed_by_page or payment.confirmed or payment.provider_failures:
            return await self._provider.retrieve(payment)
        return Intent(payment.provider_id, IntentStatus.READY)

    def _must_confirm(self, payment: Payment, intent: Intent) -> bool:
        is_ready = intent.status is IntentStatus.READY and not payment.is_confirmed_by_page
        return is_ready and payment.may_charge(self._clock())

    def _must_cancel(self, payment: Payment, intent: Intent) -> bool:
        """Whether the intent must be cancelled so that it cannot charge later."""
        now = self._clock()
        match intent.status:
            case IntentStatus.READY | IntentStatus.REQUIRES_ACTION if not payment.is_confirmed_by_page:
                return not payment.may_charge(now)
            case IntentStatus.READY | IntentStatus.REQUIRES_ACTION | IntentStatus.DECLINED:
                return not payment.may_retry(intent, now)
        return False

    async def _save_intent(self, leased: Payment, intent: Intent) -> Payment:
        """Applies the provider's state to the current row."""

        def apply(payment: Payment, now: datetime) -> DomainEvent | None:
            event = payment.apply_intent(intent, now)
            payment.schedule_poll(now)
            return event

        return await self._write(leased, apply)

    async def _mark_confirmed(self, leased: Payment, intent: Intent) -> Payment:
        return await self._write(
            leased, lambda payment, now: payment.mark_confirmed(intent, now, now + LEASE)
        )

    async def _cancel(self, leased: Payment) -> None:
        await self._write(leased, Payment.cancel)
        PAYMENTS.labels("cancelled").inc()

    async def _reject(self, leased: Payment, error: ProviderRejected) -> None:
        log.error("payment.rejected", payment_id=PAYMENT.format(leased.id), code=error.code)
        await self._write(leased, lambda payment, now: payment.reject(_REJECTED_CODE, now))

    async def _schedule_retry(self, leased: Payment, error: ProviderUnavailable | ProviderFailed) -> None:
        log.warning("payment.deferred", payment_id=PAYMENT.format(leased.id), reason=error.reason)
        PAYMENTS.labels("deferred").inc()

        def apply(payment: Payment, now: datetime) -> None:
            payment.provider_failures += isinstance(error, ProviderFailed)
            payment.schedule_retry(now)

        await self._write(leased, apply)

    async def _write(self, leased: Payment, change: Change) -> Payment:
        changed = await self._changes.write(leased, change)
        _record_metrics(changed.event)
        return changed.payment

    def _require_lease(self, leased: Payment) -> None:
        if leased.lease_expired(self._clock()):
            raise LeaseLost()


def _record_metrics(event: DomainEvent | None) -> None:
    match event:
        case PaymentSucceeded():
            PAYMENTS.labels("succeeded").inc()
        case PaymentFailed(payment):
            PAYMENTS.labels(payment.failure_code).inc()
