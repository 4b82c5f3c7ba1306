"""Giving money back. What an ADMIN asks for is written down here, what a cancelled order makes by the payment itself; `make` does it.

A refund may have been made by a worker that did not live to write it down: it is looked for at the provider before it is made again.
"""

import hashlib
from collections.abc import Sequence
from decimal import Decimal

import orjson

from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.errors import InvalidArgument, Violation
from kit.events import AdminActed
from kit.telemetry import get_logger
from kit.values import PAYMENT, REFUND, Clock, Money
from kit.work import LeaseLost
from payment.domain import Payment
from payment.errors import IdempotencyConflict, PaymentNotFound, ProviderFailed, ProviderUnavailable
from payment.metrics import REFUNDS
from payment.ports import LEASE, Hint, PaymentStore, Provider, RefundRequest
from payment.refund_domain import ProviderRefund, Refund, RefundStatus, WantedRefund

log = get_logger(__name__)


class Refunds:
    """The use cases of refunds."""

    def __init__(self, db: Database, store: PaymentStore, provider: Provider, *, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._provider = provider
        self._clock = clock

    @retry_on_contention
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

    async def provider_changed(self, hint: Hint) -> bool:
        """A webhook: what changed is looked at again soon. Answers whether it is one of ours under way, heard of for the first time."""
        status = await self._store.refund_changed(hint, self._clock())
        if hint.failed and status is RefundStatus.SUCCEEDED:
            await self._bounced(hint)
        return status is RefundStatus.PENDING

    async def claim(self, limit: int) -> Sequence[Refund]:
        """Refunds to make; none while the provider is down."""
        now, limit = self._clock(), self._provider.takes(limit)
        return await self._store.claim_refunds(now, now + LEASE, limit) if limit else []

    async def make(self, refund: Refund) -> None:
        """Makes a leased refund; raises LeaseLost when another worker has it by now."""
        [payment] = await self._store.get_many([refund.payment_id], None)
        try:
            answer = await self._made(payment, refund)
        except (ProviderUnavailable, ProviderFailed) as error:
            await self._put_off(refund, error)
            return
        await self._settle(refund, answer)

    async def _made(self, payment: Payment, refund: Refund) -> ProviderRefund:
        if refund.may_be_made:
            found = await self._provider.read_refund(payment, refund)
            if found is not None:
                return found
        if refund.due_time is None or self._clock() >= refund.due_time:
            raise LeaseLost()
        return await self._provider.refund(payment, refund)

    @retry_on_contention
    async def _settle(self, leased: Refund, answer: ProviderRefund) -> None:
        async with self._db.transaction() as tx:
            payment, refund = await self._locked(tx, leased)
            before = refund.status
            fact = payment.refund_done(refund, answer, self._clock())
            await self._store.save(tx, payment)
            if fact is not None:
                await tx.emit(fact)
        if refund.status is not before or answer.refused:
            _count(payment, refund)

    @retry_on_contention
    async def _put_off(self, leased: Refund, error: ProviderUnavailable | ProviderFailed) -> None:
        REFUNDS.labels("put_off").inc()
        async with self._db.transaction() as tx:
            payment, refund = await self._locked(tx, leased)
            refund.look_again(self._clock(), failed=isinstance(error, ProviderFailed))
            await self._store.save(tx, payment)

    @retry_on_contention
    async def _bounced(self, hint: Hint) -> None:
        """What had succeeded came back from the bank, the webhook says: the provider is asked, and another is made."""
        async with self._db.transaction() as tx:
            payment = await self._store.lock_by_refund(tx, hint.refund_id)
            assert payment
            [refund] = [each for each in payment.refunds if each.provider_id == hint.refund_id]
            if refund.status is not RefundStatus.SUCCEEDED:
                return
            refund.bounced(self._clock())
            await self._store.save(tx, payment)
        log.warning("refund.bounced", refund_id=REFUND.format(refund.id), provider_id=hint.refund_id)
        REFUNDS.labels("bounced").inc()

    async def _locked(self, tx: Transaction, leased: Refund) -> tuple[Payment, Refund]:
        payment = await self._store.lock(tx, leased.payment_id)
        assert payment
        refund = next(each for each in payment.refunds if each.id == leased.id)
        if refund.attempts != leased.attempts:
            raise LeaseLost()
        return payment, refund


def _count(payment: Payment, refund: Refund) -> None:
    match refund.status:
        case RefundStatus.SUCCEEDED:
            outcome = "succeeded"
        case RefundStatus.PENDING:
            outcome = "refused"
        case RefundStatus.FAILED:
            outcome = (
                "abandoned" if payment.keeps_money else "followed" if payment.order_cancelled else "failed"
            )
            told = log.warning if outcome == "followed" else log.error
            told(
                f"refund.{outcome}", refund_id=REFUND.format(refund.id), payment_id=PAYMENT.format(payment.id)
            )
    REFUNDS.labels(outcome).inc()


def _amount(amount: Decimal | None, currency: str) -> Money | None:
    if amount is None:
        return None
    money = Money.parse(amount, currency, "amount")
    if rule := money.step_violation() if money.minor else "must be above zero":
        raise InvalidArgument(f"amount: {rule}", fields=[Violation(("amount",), rule)])
    return money


def _digest(asked: RefundRequest) -> bytes:
    amount = "" if asked.amount is None else f"{asked.amount.normalize():f}"
    parts = (str(asked.payment_id), amount, asked.reason)
    return hashlib.blake2b(orjson.dumps(parts), digest_size=16).digest()
