"""Payments and their refunds: applies the provider's state and decides what follows. Not here: how the provider is called."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from kit.values import ORDER, PAYMENT, REFUND, Money
from payment.intents.domain import EXHAUSTED_CODE, Confirmation, Intent, IntentStatus
from payment.leases.domain import LeasedWork
from payment.payments.errors import NothingCaptured, RefundExceedsCapture
from payment.payments.refund import ProviderRefund, Refund, RefundCommand, RefundStatus
from payment.payments.status import PaymentStatus

_CANCEL_REASON: Final = "order cancelled"
# A cancelled order is refunded even if refunds fail: another refund follows after 1, 10, 100 and 1,000 minutes.
_MAX_FAILED_CANCEL_REFUNDS: Final = 5
_FIRST_CANCEL_RETRY_DELAY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class PaymentActionRequired:
    """The buyer's page can confirm the payment, or confirm it again after a decline."""

    payment: "Payment"


@dataclass(frozen=True, slots=True)
class PaymentSucceeded:
    """The amount was captured."""

    payment: "Payment"


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    """The charge failed permanently."""

    payment: "Payment"


@dataclass(frozen=True, slots=True)
class PaymentRefunded:
    """A refund succeeded."""

    payment: "Payment"
    refund: "Refund"


DomainEvent = PaymentActionRequired | PaymentSucceeded | PaymentFailed | PaymentRefunded


@dataclass(slots=True)
class Payment(LeasedWork):
    """The charge of one order. `confirmed` is set before the provider is asked to charge; afterwards the provider's state decides.

    `client_secret` is sealed. `declines` is the number of webhooks in which the provider reported one.
    """

    id: UUID
    order_id: UUID
    account_id: UUID
    amount: Money
    payment_method: str
    pay_before: datetime
    status: PaymentStatus
    order_cancelled: bool
    confirmed: bool = False
    failure_code: str = ""
    next_action_url: str = ""
    confirmation: Confirmation = Confirmation.SERVER
    client_secret: bytes = field(default=b"", repr=False)
    declines: int = 0
    save_method: bool = False
    refunds: list[Refund] = field(default_factory=list)

    @classmethod
    def for_order(
        cls,
        order_id: UUID,
        account_id: UUID,
        amount: Money,
        payment_method: str,
        pay_before: datetime,
        now: datetime,
        confirmation: Confirmation = Confirmation.SERVER,
    ) -> "Payment":
        """A payment to charge; its id is derived from the order's. A total of zero is paid without the provider."""
        return cls(
            id=PAYMENT.derive(ORDER.format(order_id)),
            order_id=order_id,
            account_id=account_id,
            amount=amount,
            payment_method=payment_method,
            pay_before=pay_before,
            status=PaymentStatus.PROCESSING if amount.minor else PaymentStatus.SUCCEEDED,
            order_cancelled=False,
            create_time=now,
            update_time=now,
            due_time=now if amount.minor else None,
            confirmation=confirmation,
        )

    @classmethod
    def cancelled_before_charge(
        cls, order_id: UUID, account_id: UUID, amount: Money, now: datetime
    ) -> "Payment":
        """For an order whose OrderCancelled arrived before its OrderPlaced: it is never charged."""
        payment = cls.for_order(order_id, account_id, amount, "", now, now)
        payment.status, payment.order_cancelled, payment.due_time = PaymentStatus.CANCELLED, True, None
        return payment

    @property
    def is_confirmed_by_page(self) -> bool:
        """Whether the buyer's page confirms the intent."""
        return self.confirmation is Confirmation.CLIENT

    @property
    def captured(self) -> Money:
        """The amount that was charged."""
        return self.amount if self.status is PaymentStatus.SUCCEEDED else Money.zero(self.amount.currency)

    @property
    def refunded(self) -> Money:
        """The sum of successful refunds."""
        return self._sum([RefundStatus.SUCCEEDED])

    @property
    def refundable(self) -> Money:
        """What is left of the capture after successful and pending refunds."""
        return self.captured - self._sum([RefundStatus.SUCCEEDED, RefundStatus.PENDING])

    @property
    def needs_manual_refund(self) -> bool:
        """Whether the order is cancelled, part of its capture was not refunded, and no refund is pending."""
        is_pending = any(refund.is_pending for refund in self.refunds)
        return self.order_cancelled and self.captured != self.refunded and not is_pending

    def may_charge(self, now: datetime) -> bool:
        """Whether a charge may start."""
        return self.status.is_open and not self.order_cancelled and now < self.pay_before

    def may_retry(self, intent: Intent, now: datetime) -> bool:
        """Whether the buyer's page may confirm the intent, or confirm it again after a decline."""
        return self.is_confirmed_by_page and self.may_charge(now) and not intent.is_exhausted(self.declines)

    def key(self, operation: str) -> str:
        """The provider's idempotency key of an operation."""
        return self.attempt_key(f"{PAYMENT.format(self.id)}:{operation}")

    def cancel_for_order(self, now: datetime) -> None:
        """The order was cancelled: an open payment becomes due to be cancelled, a captured one is refunded."""
        if self.order_cancelled:
            return
        self.order_cancelled = True
        if self.status.is_open:
            self.due_time = now
        self._refund_cancelled(now)

    def apply_intent(self, intent: Intent, now: datetime) -> DomainEvent | None:
        """Applies the provider's state to an open payment."""
        if not self.status.is_open:
            return None
        before = (self.status, self.provider_id, self.failure_code)
        self.provider_id = intent.id
        self.next_action_url = intent.next_action_url
        self.client_secret = intent.client_secret or self.client_secret
        event: DomainEvent | None = None
        match intent.status:
            case IntentStatus.SUCCEEDED:
                self.failure_code = ""
                self._settle(PaymentStatus.SUCCEEDED)
                self._refund_cancelled(now)
                event = PaymentSucceeded(self)
            case IntentStatus.READY | IntentStatus.REQUIRES_ACTION | IntentStatus.DECLINED if (
                self.is_confirmed_by_page
            ):
                event = self._wait_for_page(intent, now)
            case IntentStatus.DECLINED:
                # The payment fails only once the intent is cancelled and cannot charge any more.
                self.failure_code = intent.failure_code
            case IntentStatus.CANCELLED if self.failure_code and not self.order_cancelled:
                self._settle(PaymentStatus.FAILED)
                event = PaymentFailed(self)
            case IntentStatus.CANCELLED:
                self.failure_code = ""
                self._settle(PaymentStatus.CANCELLED)
            case IntentStatus.REQUIRES_ACTION:
                self.status = PaymentStatus.REQUIRES_ACTION
            case IntentStatus.READY | IntentStatus.PROCESSING:
                self.status = PaymentStatus.PROCESSING
        if before != (self.status, self.provider_id, self.failure_code):
            self.update_time = now
        return event

    def mark_confirmed(self, intent: Intent, now: datetime, lease: datetime) -> None:
        """The provider is about to be asked to charge, by a worker that has until `lease`."""
        self.apply_intent(intent, now)
        if self.status.is_open:
            self.confirmed, self.due_time = True, lease

    def reject(self, failure_code: str, now: datetime) -> DomainEvent | None:
        """The provider rejected the intent: the payment is never charged."""
        if not self.status.is_open:
            return None
        self.update_time = now
        if self.order_cancelled:
            self._settle(PaymentStatus.CANCELLED)
            return None
        self.failure_code = failure_code
        self._settle(PaymentStatus.FAILED)
        return PaymentFailed(self)

    def cancel(self, now: datetime) -> None:
        """No charge was started, and none may start any more."""
        if self.status.is_open:
            self._settle(PaymentStatus.CANCELLED)
            self.update_time = now

    def schedule_retry(self, now: datetime) -> None:
        """After a failed attempt."""
        if self.status.is_open:
            self.due_time = now + self.retry_delay()

    def schedule_poll(self, now: datetime) -> None:
        """While a buyer or a bank must act: with growing intervals, but at `pay_before` at the latest."""
        if self.status.is_open:
            next_poll = now + self.poll_interval(now)
            self.due_time = self.pay_before if now < self.pay_before < next_poll else next_poll

    def request_refund(self, command: RefundCommand, now: datetime) -> None:
        """Adds a pending refund; raises NothingCaptured and RefundExceedsCapture."""
        if self.status is not PaymentStatus.SUCCEEDED:
            raise NothingCaptured(f"the payment is {self.status}: nothing was captured")
        amount = self.refundable if command.amount is None else command.amount
        if not 0 < amount.minor <= self.refundable.minor:
            raise RefundExceedsCapture.of(self.refundable)
        self.refunds.append(
            Refund.create(command.id, self.id, amount, command.reason, now, input_hash=command.input_hash)
        )
        self.update_time = now

    def apply_refund_result(
        self, refund: Refund, result: ProviderRefund, now: datetime
    ) -> DomainEvent | None:
        """Applies the provider's state to a pending refund; the rest of a cancelled order's money goes into the next refund."""
        settled = refund.apply(result, now)
        self.update_time = max(self.update_time, refund.update_time)
        if not settled:
            return None
        self._refund_cancelled(now)
        return PaymentRefunded(self, refund) if refund.status is RefundStatus.SUCCEEDED else None

    def _refund_cancelled(self, now: datetime) -> None:
        """Refunds all that is left of a cancelled order: one refund at a time, the next one after a failure."""
        if not self.order_cancelled or not self.refundable.minor:
            return
        refunds = self._cancel_refunds()
        failures = sum(refund.status is RefundStatus.FAILED for refund in refunds)
        if failures >= _MAX_FAILED_CANCEL_REFUNDS or any(refund.is_pending for refund in refunds):
            return
        due_time = now + _FIRST_CANCEL_RETRY_DELAY * 10 ** (failures - 1) if failures else now
        refund_id = self._cancel_refund_id(len(refunds))
        self.refunds.append(
            Refund.create(refund_id, self.id, self.refundable, _CANCEL_REASON, now, due_time=due_time)
        )

    def _wait_for_page(self, intent: Intent, now: datetime) -> DomainEvent | None:
        """The buyer's page can confirm the intent; a decline that it follows with another card is no longer the failure."""
        is_new = self.status is not PaymentStatus.REQUIRES_ACTION
        is_new |= intent.failure_code not in ("", self.failure_code)
        self.status, self.failure_code = PaymentStatus.REQUIRES_ACTION, intent.failure_code
        if not self.failure_code and intent.is_exhausted(self.declines):
            self.failure_code = EXHAUSTED_CODE
        return PaymentActionRequired(self) if is_new and self.may_retry(intent, now) else None

    def _cancel_refunds(self) -> list[Refund]:
        """The refunds that the cancellation has created; their ids are derived from their number."""
        by_id = {refund.id: refund for refund in self.refunds}
        refunds: list[Refund] = []
        while refund := by_id.get(self._cancel_refund_id(len(refunds))):
            refunds.append(refund)
        return refunds

    def _cancel_refund_id(self, number: int) -> UUID:
        return REFUND.derive(PAYMENT.format(self.id), "cancel", *([str(number)] if number else []))

    def _settle(self, status: PaymentStatus) -> None:
        self.status, self.due_time, self.next_action_url, self.client_secret = status, None, "", b""

    def _sum(self, statuses: Sequence[RefundStatus]) -> Money:
        amounts = (refund.amount.minor for refund in self.refunds if refund.status in statuses)
        return Money(sum(amounts), self.amount.currency)
