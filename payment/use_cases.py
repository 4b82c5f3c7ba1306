"""Charging and refunding. Each effect at the provider stands between two transactions, and may be repeated.

Reactions to facts only write down what is to be done; `advance` and `refund` do it, for rows that a worker has leased. Whatever ends a
process in between, the next one finds the row due and begins by reading back what the provider knows.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final
from uuid import UUID

import orjson

from kit.auth import Principal
from kit.db import Database, Transaction, repeatable
from kit.errors import InvalidArgument, Violation
from kit.events import AdminActed
from kit.telemetry import get_logger
from kit.values import PAYMENT, REFUND, Clock, Money, looks_like_card_number
from payment.domain import (
    Fact,
    Intent,
    IntentStatus,
    Payment,
    PaymentFailed,
    PaymentSucceeded,
    ProviderRefund,
    Refund,
    RefundStatus,
    WantedRefund,
    pause,
)
from payment.errors import IdempotencyConflict, PaymentNotFound, ProviderFailed, ProviderUnavailable
from payment.metrics import PAYMENTS, REFUNDS
from payment.ports import Hint, PaymentStore, Provider, RefundRequest

log = get_logger(__name__)

# Longer than a look usually takes. One that takes longer is begun again beside it, which changes nothing: same keys, same rows.
_LEASE: Final = timedelta(seconds=20)
_MANY: Final = 1000


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """What is to be charged for an order; without a method, by the deployment's default."""

    id: UUID
    account_id: UUID
    total: Money
    payment_method: str
    pay_before: datetime


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

    @repeatable
    async def give_back(self, caller: Principal, asked: RefundRequest, *, address: str = "") -> Payment:
        """Writes down a refund, and answers its payment; a repeat answers the payment as it is.

        Raises PaymentNotFound, NothingCaptured, RefundExceedsCapture, IdempotencyConflict.
        """
        refund_id = REFUND.derive(str(caller.account_id), asked.request_id)
        input_hash = _digest(asked)
        async with self._db.transaction() as tx:
            known = await self._store.lock_refund(tx, refund_id)
            if known is not None and (known.payment_id, known.input_hash) != (asked.payment_id, input_hash):
                raise IdempotencyConflict()
            payment = await self._store.lock(tx, asked.payment_id)
            if payment is None:
                raise PaymentNotFound()
            if known is None:
                amount = _amount(asked.amount, payment.amount.currency)
                wanted = WantedRefund(refund_id, amount, asked.reason, input_hash)
                payment.give_back(wanted, self._clock())
                await self._store.save(tx, payment)
                subject = PAYMENT.format(payment.id)
                await tx.emit(AdminActed.by(caller, "payment.refund_payment", subject, address))
        log.info("payment.refund", payment_id=PAYMENT.format(payment.id), refund_id=REFUND.format(refund_id))
        return payment

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

    async def order_cancelled(self, tx: Transaction, order_id: UUID, account_id: UUID, amount: Money) -> None:
        """Writes down what to cancel or give back; an order not heard of yet will never be charged."""
        now = self._clock()
        if await self._store.add(tx, [Payment.never(order_id, account_id, amount, now)]):
            return
        payment = await self._store.lock_by_order(tx, order_id)
        assert payment
        payment.order_ended(now)
        await self._store.save(tx, payment)

    async def provider_changed(self, hint: Hint) -> bool:
        """A webhook: what changed is looked at again soon. Answers whether it is one of ours that is open, heard for the first time."""
        if hint.intent_id:
            return await self._store.intent_changed(hint, self._clock())
        status = await self._store.refund_changed(hint, self._clock()) if hint.refund_id else None
        if hint.failed and status is RefundStatus.SUCCEEDED:
            log.error("refund.bounced", provider_id=hint.refund_id)
            REFUNDS.labels("bounced").inc()
        return status is RefundStatus.PENDING

    async def claim(self, limit: int) -> list[Payment]:
        """Payments to advance; none while the provider is down."""
        now, limit = self._clock(), self._provider.takes(limit)
        return await self._store.claim(now, now + _LEASE, limit) if limit else []

    async def give_up_overdue(self) -> None:
        """Ends what nobody may charge any more, many at once: it must not wait in line with those who are to be charged."""
        while ended := await self._store.give_up(self._clock(), _MANY):
            PAYMENTS.labels("cancelled").inc(ended)
            if ended < _MANY:
                return

    async def claim_refunds(self, limit: int) -> list[Refund]:
        """Refunds to make; none while the provider is down."""
        now, limit = self._clock(), self._provider.takes(limit)
        return await self._store.claim_refunds(now, now + _LEASE, limit) if limit else []

    async def advance(self, payment: Payment) -> None:
        """Takes a leased payment as far as it gets now; what the provider cannot do now is tried again later."""
        try:
            await self._advance(payment)
        except (ProviderUnavailable, ProviderFailed) as error:
            await self._failed(payment, error)

    async def refund(self, refund: Refund) -> None:
        """Makes a leased refund."""
        [payment] = await self._store.get_many([refund.payment_id], None)
        try:
            answer = await self._refunded(payment, refund)
        except (ProviderUnavailable, ProviderFailed) as error:
            await self._refund_failed(refund, error)
            return
        await self._settle_refund(refund, answer)

    async def _refunded(self, payment: Payment, refund: Refund) -> ProviderRefund:
        # A repeated key answers what it answered first, and after a failure it is not known what happened: both are read back.
        if refund.provider_id or refund.provider_failures:
            found = await self._provider.read_refund(payment, refund)
            if found is not None:
                return found
        return await self._provider.refund(payment, refund)

    async def _advance(self, payment: Payment) -> None:
        if not payment.provider_id:
            if not payment.may_charge(self._clock()):
                await self._give_up(payment)
                return
            intent = await self._provider.create(payment)
        elif payment.confirmed or payment.provider_failures:
            intent = await self._provider.retrieve(payment)
        else:
            intent = Intent(payment.provider_id, IntentStatus.READY)
        if intent.status is IntentStatus.READY and payment.may_charge(self._clock()):
            # Written down first: from here on only the provider knows whether it charged.
            payment = await self._confirming(payment, intent)
            if payment.may_charge(self._clock()):
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

    @repeatable
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

    @repeatable
    async def _confirming(self, leased: Payment, intent: Intent) -> Payment:
        now = self._clock()
        async with self._db.transaction() as tx:
            payment = await self._locked(tx, leased)
            payment.learn(intent, now)
            payment.confirmed = True
            payment.due_time = now + _LEASE
            await self._store.save(tx, payment)
        return payment

    @repeatable
    async def _give_up(self, leased: Payment) -> None:
        async with self._db.transaction() as tx:
            payment = await self._locked(tx, leased)
            payment.give_up(self._clock())
            await self._store.save(tx, payment)
        PAYMENTS.labels("cancelled").inc()

    @repeatable
    async def _failed(self, leased: Payment, error: ProviderUnavailable | ProviderFailed) -> None:
        log.warning("payment.put_off", payment_id=PAYMENT.format(leased.id), reason=error.reason)
        PAYMENTS.labels("put_off").inc()
        async with self._db.transaction() as tx:
            payment = await self._locked(tx, leased)
            payment.provider_failures += isinstance(error, ProviderFailed)
            payment.look_again(self._clock())
            await self._store.save(tx, payment)

    @repeatable
    async def _settle_refund(self, leased: Refund, answer: ProviderRefund) -> None:
        async with self._db.transaction() as tx:
            payment = await self._store.lock(tx, leased.payment_id)
            assert payment
            refund = _refund(payment, leased)
            fact = payment.refund_done(refund, answer, self._clock())
            await self._store.save(tx, payment)
            if fact is not None:
                await tx.emit(fact)
        if fact is not None:
            REFUNDS.labels("succeeded").inc()
        elif refund.status is RefundStatus.FAILED:
            log.error("refund.failed", refund_id=REFUND.format(refund.id), refusals=refund.refusals)
            REFUNDS.labels("failed").inc()
        elif answer.refused:
            REFUNDS.labels("refused").inc()

    @repeatable
    async def _refund_failed(self, leased: Refund, error: ProviderUnavailable | ProviderFailed) -> None:
        REFUNDS.labels("put_off").inc()
        async with self._db.transaction() as tx:
            payment = await self._store.lock(tx, leased.payment_id)
            assert payment
            refund = _refund(payment, leased)
            refund.provider_failures += isinstance(error, ProviderFailed)
            refund.due_time = self._clock() + pause(refund.attempts)
            await self._store.save(tx, payment)

    async def _locked(self, tx: Transaction, leased: Payment) -> Payment:
        payment = await self._store.lock(tx, leased.id)
        assert payment
        return payment

    def _count(self, fact: Fact | None) -> None:
        match fact:
            case PaymentSucceeded():
                PAYMENTS.labels("succeeded").inc()
            case PaymentFailed(payment):
                PAYMENTS.labels(payment.failure_code).inc()


def _owner(caller: Principal) -> UUID | None:
    return None if caller.is_admin else caller.account_id


def _amount(amount: Decimal | None, currency: str) -> Money | None:
    if amount is None:
        return None
    money = Money.parse(amount, currency, "amount")
    if not money.minor:
        rule = "must be above zero"
        raise InvalidArgument(f"amount: {rule}", fields=[Violation(("amount",), rule)])
    return money


def _digest(asked: RefundRequest) -> bytes:
    amount = "" if asked.amount is None else f"{asked.amount.normalize():f}"
    parts = (str(asked.payment_id), amount, asked.reason)
    return hashlib.blake2b(orjson.dumps(parts), digest_size=16).digest()


def _refund(payment: Payment, leased: Refund) -> Refund:
    return next(refund for refund in payment.refunds if refund.id == leased.id)
