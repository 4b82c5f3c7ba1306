"""Charging. Each effect at the provider stands between two transactions, and may be repeated. Giving back is in `refund_use_cases`.

Reactions to facts only write down what is to be done; `advance` does it, for rows that a worker has leased. Whatever ends a process in
between, the next one finds the row due and begins by reading back what the provider knows. What a worker writes carries the lease that it
had: one that wakes after its lease went to another changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.telemetry import get_logger
from kit.values import PAYMENT, Clock, Money, looks_like_card_number
from kit.work import LeaseLost
from payment.domain import Fact, Intent, IntentStatus, Payment, PaymentFailed, PaymentSucceeded
from payment.errors import PaymentNotFound, ProviderFailed, ProviderRefused, ProviderUnavailable
from payment.metrics import PAYMENTS
from payment.ports import LEASE, Hint, PaymentStore, Provider

log = get_logger(__name__)

_MANY: Final = 1000
# What the public API says of a charge that the provider did not even begin.
_REFUSED_CODE: Final = "processing_error"


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """What is to be charged for an order; without a method, by the deployment's default."""

    id: UUID
    account_id: UUID
    total: Money
    payment_method: str
    pay_before: datetime


@dataclass(frozen=True, slots=True)
class CancelledOrder:
    """What is not to be charged, or goes back."""

    id: UUID
    account_id: UUID
    total: Money


class Payments:
    """The use cases of payments."""

    def __init__(
        self, db: Database, store: PaymentStore, provider: Provider, *, default_method: str, clock: Clock
    ) -> None:
        self._db = db
        self._store = store
        self._provider = provider
        self._default_method = default_method
        self._clock = clock

    async def get(self, caller: Principal, payment_id: UUID) -> Payment:
        """A payment for the owner of its order or an ADMIN; raises PaymentNotFound."""
        found = await self._store.get_many([payment_id], _owner(caller))
        if not found:
            raise PaymentNotFound()
        return found[0]

    async def of_orders(self, caller: Principal, order_ids: Sequence[UUID]) -> list[Payment]:
        """The payments of orders, of those that the caller may see."""
        return await self._store.of_orders(order_ids, _owner(caller))

    async def orders_placed(self, tx: Transaction, orders: Sequence[PlacedOrder]) -> None:
        """Writes down what to charge; nothing for orders that are known already."""
        now = self._clock()
        asked = [
            Payment.ask(
                order.id,
                order.account_id,
                order.total,
                self._method(order),
                order.pay_before,
                now,
            )
            for order in orders
        ]
        await self._store.add(tx, asked)

    async def orders_cancelled(self, tx: Transaction, orders: Sequence[CancelledOrder]) -> None:
        """Writes down what to cancel or give back; an order not heard of yet will never be charged."""
        now = self._clock()
        never = [Payment.never(order.id, order.account_id, order.total, now) for order in orders]
        added = await self._store.add(tx, never)
        known = [payment.order_id for payment in never if payment.id not in added]
        if known:
            payments = await self._store.lock_by_orders(tx, known)
            for payment in payments:
                payment.order_ended(now)
            await self._store.save(tx, *payments)

    async def provider_changed(self, hint: Hint) -> bool:
        """A webhook: what changed is looked at again soon. Answers whether it is one of ours that is open, heard for the first time."""
        return bool(hint.intent_id) and await self._store.intent_changed(hint, self._clock())

    async def claim(self, limit: int) -> list[Payment]:
        """Payments to advance; none while the provider is down."""
        now, limit = self._clock(), self._provider.takes(limit)
        return await self._store.claim(now, now + LEASE, limit) if limit else []

    async def give_up_overdue(self) -> None:
        """Ends what nobody may charge any more, many at once: it must not wait in line with those who are to be charged."""
        while ended := await self._store.give_up(self._clock(), _MANY):
            PAYMENTS.labels("cancelled").inc(ended)
            if ended < _MANY:
                return

    async def advance(self, payment: Payment) -> None:
        """Takes a leased payment as far as it gets now; what the provider cannot do now is tried again later.

        Raises LeaseLost when another worker has it by now.
        """
        try:
            await self._advance(payment)
        except ProviderRefused as refusal:
            await self._refused(payment, refusal)
        except (ProviderUnavailable, ProviderFailed) as error:
            await self._failed(payment, error)

    async def _advance(self, payment: Payment) -> None:
        if not payment.provider_id:
            if not payment.may_charge(self._clock()):
                await self._give_up(payment)
                return
            self._require_lease(payment)
            intent = await self._provider.create(payment)
        elif payment.confirmed or payment.provider_failures:
            intent = await self._provider.retrieve(payment)
        else:
            intent = Intent(payment.provider_id, IntentStatus.READY)
        if intent.status is IntentStatus.READY and payment.may_charge(self._clock()):
            # Written down first: from here on only the provider knows whether it charged.
            payment = await self._confirming(payment, intent)
            if payment.may_charge(self._clock()):
                self._require_lease(payment)
                intent = await self._provider.confirm(payment)
        if self._must_end(payment, intent):
            payment = await self._settle(payment, intent)
            intent = await self._provider.cancel(payment)
        await self._settle(payment, intent)

    def _method(self, order: PlacedOrder) -> str:
        # Orders refuse card numbers; none is written down here either. It is declined like any method that is none.
        if looks_like_card_number(order.payment_method):
            return "card_number_refused"
        return order.payment_method or self._default_method

    def _must_end(self, payment: Payment, intent: Intent) -> bool:
        """Whether the intent is to be ended, so that it charges nobody any more."""
        match intent.status:
            case IntentStatus.DECLINED:
                return True
            case IntentStatus.READY | IntentStatus.REQUIRES_ACTION:
                return not payment.may_charge(self._clock())
        return False

    @retry_on_contention
    async def _settle(self, leased: Payment, intent: Intent) -> Payment:
        """Writes down what the provider said, on the row as it is now."""
        now = self._clock()
        async with self._db.transaction() as tx:
            payment = await self._locked(tx, leased)
            fact = payment.learn(intent, now)
            payment.wait(now)
            await self._store.save(tx, payment)
            if fact is not None:
                await tx.emit(fact)
        self._count(fact)
        return payment

    @retry_on_contention
    async def _confirming(self, leased: Payment, intent: Intent) -> Payment:
        now = self._clock()
        async with self._db.transaction() as tx:
            payment = await self._locked(tx, leased)
            payment.confirming(intent, now, now + LEASE)
            await self._store.save(tx, payment)
        return payment

    @retry_on_contention
    async def _give_up(self, leased: Payment) -> None:
        async with self._db.transaction() as tx:
            payment = await self._locked(tx, leased)
            payment.give_up(self._clock())
            await self._store.save(tx, payment)
        PAYMENTS.labels("cancelled").inc()

    @retry_on_contention
    async def _refused(self, leased: Payment, refusal: ProviderRefused) -> None:
        log.error("payment.refused", payment_id=PAYMENT.format(leased.id), code=refusal.code)
        async with self._db.transaction() as tx:
            payment = await self._locked(tx, leased)
            fact = payment.refused(_REFUSED_CODE, self._clock())
            await self._store.save(tx, payment)
            if fact is not None:
                await tx.emit(fact)
        self._count(fact)

    @retry_on_contention
    async def _failed(self, leased: Payment, error: ProviderUnavailable | ProviderFailed) -> None:
        log.warning("payment.put_off", payment_id=PAYMENT.format(leased.id), reason=error.reason)
        PAYMENTS.labels("put_off").inc()
        async with self._db.transaction() as tx:
            payment = await self._locked(tx, leased)
            payment.provider_failures += isinstance(error, ProviderFailed)
            payment.look_again(self._clock())
            await self._store.save(tx, payment)

    async def _locked(self, tx: Transaction, leased: Payment) -> Payment:
        payment = await self._store.lock(tx, leased.id)
        assert payment
        if payment.attempts != leased.attempts:
            raise LeaseLost()
        return payment

    def _require_lease(self, leased: Payment) -> None:
        """Nothing is begun at the provider by a worker whose lease has run out."""
        if leased.due_time is None or self._clock() >= leased.due_time:
            raise LeaseLost()

    def _count(self, fact: Fact | None) -> None:
        match fact:
            case PaymentSucceeded():
                PAYMENTS.labels("succeeded").inc()
            case PaymentFailed(payment):
                PAYMENTS.labels(payment.failure_code).inc()


def _owner(caller: Principal) -> UUID | None:
    return None if caller.is_admin else caller.account_id
