"""Refunding. A request of an ADMIN is stored as a pending refund, as is the refund of a cancelled order; `make` makes it at the provider.

An earlier worker may have made a refund and crashed before it stored the result: the provider's state is read before it is made again.
"""

from collections.abc import Sequence
from decimal import Decimal

from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.errors import IdempotencyConflict, InvalidArgument, Violation
from kit.events import AdminActed
from kit.telemetry import get_logger
from kit.values import PAYMENT, REFUND, Clock, Money, plain_decimal, request_fingerprint
from kit.work import LeaseLost
from payment.leases.domain import LEASE
from payment.metrics import REFUNDS
from payment.payments.domain import Payment
from payment.payments.errors import PaymentNotFound
from payment.payments.ports import PaymentStore
from payment.payments.refund import ProviderRefund, Refund, RefundCommand, RefundStatus
from payment.provider.errors import ProviderFailed, ProviderUnavailable
from payment.refunds.domain import RefundRequest
from payment.refunds.ports import RefundProvider, RefundStore

log = get_logger(__name__)


class Refunds:
    """Requests and makes refunds."""

    def __init__(
        self,
        db: Database,
        payments: PaymentStore,
        store: RefundStore,
        provider: RefundProvider,
        *,
        clock: Clock,
    ) -> None:
        self._db = db
        self._payments = payments
        self._store = store
        self._provider = provider
        self._clock = clock

    @retry_on_contention
    async def refund_payment(
        self, caller: Principal, request: RefundRequest, *, address: str = ""
    ) -> Payment:
        """Stores a pending refund, once per key, and returns its payment.

        Raises PaymentNotFound, NothingCaptured, RefundExceedsCapture, IdempotencyConflict.
        """
        refund_id = REFUND.derive(str(caller.account_id), request.request_id)
        amount_text = plain_decimal(request.amount)
        input_hash = request_fingerprint(str(request.payment_id), amount_text, request.reason)
        async with self._db.transaction() as tx:
            existing = await self._store.lock_refund(tx, refund_id)
            if existing and (existing.payment_id, existing.input_hash) != (request.payment_id, input_hash):
                raise IdempotencyConflict()
            payment = await self._payments.lock(tx, request.payment_id)
            if payment is None:
                raise PaymentNotFound()
            if existing is None:
                amount = _amount(request.amount, payment.amount.currency)
                command = RefundCommand(refund_id, amount, request.reason, input_hash)
                payment.request_refund(command, self._clock())
                await self._payments.save(tx, payment)
                subject = PAYMENT.format(payment.id)
                await tx.emit(AdminActed.by(caller, "payment.refund_payment", subject, address))
        log.info(
            "refund.requested", payment_id=PAYMENT.format(payment.id), refund_id=REFUND.format(refund_id)
        )
        return payment

    @retry_on_contention
    async def returned_by_bank(self, provider_id: str) -> None:
        """A webhook says that the bank returned a successful refund: its state is read again, and another refund may follow."""
        async with self._db.transaction() as tx:
            payment = await self._store.lock_by_refund(tx, provider_id)
            assert payment
            [refund] = [refund for refund in payment.refunds if refund.provider_id == provider_id]
            if refund.status is not RefundStatus.SUCCEEDED:
                return
            refund.reopen(self._clock())
            await self._payments.save(tx, payment)
        log.warning("refund.returned", refund_id=REFUND.format(refund.id), provider_id=provider_id)
        REFUNDS.labels("returned").inc()

    async def claim(self, limit: int) -> Sequence[Refund]:
        """Leases due refunds; none while the provider is down."""
        now, limit = self._clock(), self._provider.available_permits(limit)
        return await self._store.claim_refunds(now, now + LEASE, limit) if limit else []

    async def make(self, refund: Refund) -> None:
        """Makes a leased refund; raises LeaseLost if another worker has taken over."""
        [payment] = await self._payments.get_many([refund.payment_id], None)
        try:
            result = await self._find_or_make(payment, refund)
        except (ProviderUnavailable, ProviderFailed) as error:
            await self._schedule_retry(refund, error)
            return
        await self._save_result(refund, result)

    async def _find_or_make(self, payment: Payment, refund: Refund) -> ProviderRefund:
        if refund.may_exist_at_provider:
            existing = await self._provider.read_refund(payment, refund)
            if existing is not None:
                return existing
        if refund.lease_expired(self._clock()):
            raise LeaseLost()
        return await self._provider.refund(payment, refund)

    @retry_on_contention
    async def _save_result(self, leased: Refund, result: ProviderRefund) -> None:
        async with self._db.transaction() as tx:
            payment, refund = await self._lock(tx, leased)
            before = refund.status
            event = payment.apply_refund_result(refund, result, self._clock())
            await self._payments.save(tx, payment)
            if event is not None:
                await tx.emit(event)
        if refund.status is not before or result.rejected:
            _record_metrics_and_log(payment, refund)

    @retry_on_contention
    async def _schedule_retry(self, leased: Refund, error: ProviderUnavailable | ProviderFailed) -> None:
        REFUNDS.labels("deferred").inc()
        async with self._db.transaction() as tx:
            payment, refund = await self._lock(tx, leased)
            refund.schedule_retry(self._clock(), failed=isinstance(error, ProviderFailed))
            await self._payments.save(tx, payment)

    async def _lock(self, tx: Transaction, leased: Refund) -> tuple[Payment, Refund]:
        payment = await self._payments.lock(tx, leased.payment_id)
        assert payment
        refund = next(refund for refund in payment.refunds if refund.id == leased.id)
        if refund.attempts != leased.attempts:
            raise LeaseLost()
        return payment, refund


def _record_metrics_and_log(payment: Payment, refund: Refund) -> None:
    outcome = _outcome(payment, refund)
    if refund.status is RefundStatus.FAILED:
        write = log.warning if outcome == "replaced" else log.error
        write(f"refund.{outcome}", refund_id=REFUND.format(refund.id), payment_id=PAYMENT.format(payment.id))
    REFUNDS.labels(outcome).inc()


def _outcome(payment: Payment, refund: Refund) -> str:
    if refund.status is RefundStatus.SUCCEEDED:
        return "succeeded"
    if refund.status is RefundStatus.PENDING:
        return "rejected"
    if payment.needs_manual_refund:
        return "abandoned"
    return "replaced" if payment.order_cancelled else "failed"


def _amount(amount: Decimal | None, currency: str) -> Money | None:
    if amount is None:
        return None
    money = Money.parse(amount, currency, "amount")
    if rule := money.step_violation() if money.minor else "must be above zero":
        raise InvalidArgument(f"amount: {rule}", fields=[Violation(("amount",), rule)])
    return money
