"""Payments, and what of them goes back. What the provider says is taken in here; how it is asked is not known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.errors import Violation
from kit.values import ORDER, PAYMENT, REFUND, Money
from payment.errors import NothingCaptured, RefundExceedsCapture
from payment.refund_domain import (
    ProviderRefund,
    Refund,
    RefundStatus,
    WantedRefund,
    numbered,
    patience,
    pause,
)

_CANCEL_REASON: Final = "order cancelled"
# The money of a cancelled order goes back even if refunds fail: the next is made after a minute, ten, a hundred, and most of a day.
_CANCEL_FAILURES_MOST: Final = 5
_FIRST_FOLLOW: Final = timedelta(minutes=1)


class PaymentStatus(StrEnum):
    """Where a payment stands; what went back follows from its refunds."""

    PROCESSING = "PROCESSING"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def is_open(self) -> bool:
        """Whether the provider may still charge."""
        return self in (PaymentStatus.PROCESSING, PaymentStatus.REQUIRES_ACTION)


class IntentStatus(StrEnum):
    """Where the provider's intent stands."""

    # Made, or declined before: it charges once it is confirmed.
    READY = "READY"
    DECLINED = "DECLINED"
    REQUIRES_ACTION = "REQUIRES_ACTION"
    PROCESSING = "PROCESSING"
    SUCCEEDED = "SUCCEEDED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True, slots=True)
class Intent:
    """The provider's side of a payment; `failure_code` (ours) only when DECLINED."""

    id: str
    status: IntentStatus
    failure_code: str = ""
    next_action_url: str = ""


@dataclass(frozen=True, slots=True)
class PaymentSucceeded:
    """The amount was captured."""

    payment: "Payment"


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    """The provider declined for good."""

    payment: "Payment"


@dataclass(frozen=True, slots=True)
class PaymentRefunded:
    """Money went back."""

    payment: "Payment"
    refund: "Refund"


Fact = PaymentSucceeded | PaymentFailed | PaymentRefunded


@dataclass(slots=True)
class Payment:
    """The charge of one order.

    `confirmed` is set before the provider is asked to charge, so from then on only the provider knows. `due_time` is when
    a worker looks at it next, for as long as it is open. `attempts` counts leases: it is the fencing token of the worker that has it now.
    """

    id: UUID
    order_id: UUID
    account_id: UUID
    amount: Money
    payment_method: str
    pay_before: datetime
    status: PaymentStatus
    order_cancelled: bool
    create_time: datetime
    update_time: datetime
    provider_id: str = ""
    confirmed: bool = False
    provider_failures: int = 0
    failure_code: str = ""
    next_action_url: str = ""
    attempts: int = 0
    due_time: datetime | None = None
    refunds: list[Refund] = field(default_factory=list)

    @classmethod
    def ask(
        cls,
        order_id: UUID,
        account_id: UUID,
        amount: Money,
        payment_method: str,
        pay_before: datetime,
        now: datetime,
    ) -> "Payment":
        """A charge to make; the same order always has the same payment."""
        return cls(
            id=PAYMENT.derive(ORDER.format(order_id)),
            order_id=order_id,
            account_id=account_id,
            amount=amount,
            payment_method=payment_method,
            pay_before=pay_before,
            status=PaymentStatus.PROCESSING,
            order_cancelled=False,
            create_time=now,
            update_time=now,
            due_time=now,
        )

    @classmethod
    def never(cls, order_id: UUID, account_id: UUID, amount: Money, now: datetime) -> "Payment":
        """For an order that ended before its charge was heard of: it will never be charged."""
        payment = cls.ask(order_id, account_id, amount, "", now, now)
        payment.status, payment.order_cancelled, payment.due_time = PaymentStatus.CANCELLED, True, None
        return payment

    @property
    def captured(self) -> Money:
        """What was charged."""
        return self.amount if self.status is PaymentStatus.SUCCEEDED else Money.zero(self.amount.currency)

    @property
    def refunded(self) -> Money:
        """What went back."""
        return self._sum([RefundStatus.SUCCEEDED])

    @property
    def refundable(self) -> Money:
        """What may still go back: refunds under way are counted in."""
        return self.captured - self._sum([RefundStatus.SUCCEEDED, RefundStatus.PENDING])

    def may_charge(self, now: datetime) -> bool:
        """Whether a charge may begin."""
        return self.status.is_open and not self.order_cancelled and now < self.pay_before

    def key(self, operation: str) -> str:
        """The idempotency key of an operation at the provider; another after each failure that it keeps."""
        return numbered(f"{PAYMENT.format(self.id)}:{operation}", self.provider_failures)

    def order_ended(self, now: datetime) -> None:
        """The order is cancelled: what is open is to be cancelled, what is captured goes back."""
        if self.order_cancelled:
            return
        self.order_cancelled = True
        if self.status.is_open:
            self.due_time = now
        self._refund_cancelled(now)

    def learn(self, intent: Intent, now: datetime) -> Fact | None:
        """Takes in what the provider says of an open payment; an ended one learns nothing more."""
        if not self.status.is_open:
            return None
        before = (self.status, self.provider_id)
        self.provider_id = intent.id
        self.next_action_url = intent.next_action_url
        fact: Fact | None = None
        match intent.status:
            case IntentStatus.SUCCEEDED:
                self._end(PaymentStatus.SUCCEEDED)
                self._refund_cancelled(now)
                fact = PaymentSucceeded(self)
            case IntentStatus.DECLINED:
                # Only remembered: the payment has failed once the intent can charge no more.
                self.failure_code = intent.failure_code
            case IntentStatus.CANCELLED if self.failure_code and not self.order_cancelled:
                self._end(PaymentStatus.FAILED)
                fact = PaymentFailed(self)
            case IntentStatus.CANCELLED:
                self.failure_code = ""
                self._end(PaymentStatus.CANCELLED)
            case IntentStatus.REQUIRES_ACTION:
                self.status = PaymentStatus.REQUIRES_ACTION
            case IntentStatus.READY | IntentStatus.PROCESSING:
                self.status = PaymentStatus.PROCESSING
        if before != (self.status, self.provider_id):
            self.update_time = now
        return fact

    def confirming(self, intent: Intent, now: datetime, lease: datetime) -> None:
        """The provider is about to be asked to charge, by a worker that has until `lease`."""
        self.learn(intent, now)
        if self.status.is_open:
            self.confirmed, self.due_time = True, lease

    def refused(self, failure_code: str, now: datetime) -> Fact | None:
        """The provider does not even make an intent: it will never be charged."""
        if not self.status.is_open:
            return None
        self.update_time = now
        if self.order_cancelled:
            self._end(PaymentStatus.CANCELLED)
            return None
        self.failure_code = failure_code
        self._end(PaymentStatus.FAILED)
        return PaymentFailed(self)

    def give_up(self, now: datetime) -> None:
        """No charge was begun, and none will."""
        if self.status.is_open:
            self._end(PaymentStatus.CANCELLED)
            self.update_time = now

    def look_again(self, now: datetime) -> None:
        """When to try again what failed: later with every attempt."""
        if self.status.is_open:
            self.due_time = now + pause(self.attempts)

    def wait(self, now: datetime) -> None:
        """When to look at what others must do first: the longer it takes, the rarer, but when it may not be charged any more."""
        if self.status.is_open:
            later = now + patience(self.create_time, now)
            self.due_time = self.pay_before if now < self.pay_before < later else later

    def refund_done(self, refund: Refund, answer: ProviderRefund, now: datetime) -> Fact | None:
        """Takes in what the provider says of a refund under way; what is left of a cancelled order goes back by the next."""
        ended = refund.learn(answer, now)
        self.update_time = max(self.update_time, refund.update_time)
        if not ended:
            return None
        self._refund_cancelled(now)
        return PaymentRefunded(self, refund) if refund.status is RefundStatus.SUCCEEDED else None

    def give_back(self, wanted: "WantedRefund", now: datetime) -> None:
        """Command: a part of the capture goes back, or what is left of it; raises NothingCaptured and RefundExceedsCapture."""
        if self.status is not PaymentStatus.SUCCEEDED:
            raise NothingCaptured(f"the payment is {self.status}: nothing was captured")
        amount = self.refundable if wanted.amount is None else wanted.amount
        if not 0 < amount.minor <= self.refundable.minor:
            rule = f"must not exceed what is left: {self.refundable.text()}"
            raise RefundExceedsCapture(
                f"amount: {rule}",
                fields=[Violation(("amount",), rule)],
                details={"refundable": self.refundable.text()},
            )
        self.refunds.append(
            Refund.ask(wanted.id, self.id, amount, wanted.reason, now, input_hash=wanted.input_hash)
        )
        self.update_time = now

    @property
    def keeps_money(self) -> bool:
        """Whether the order is cancelled, something is left of its capture, and nothing more is under way: people must act."""
        return self.order_cancelled and self.captured != self.refunded and not self._pending()

    def _refund_cancelled(self, now: datetime) -> None:
        """All that is left goes back when the order has ended: by one refund at a time, and by the next when one has failed."""
        if not self.order_cancelled or not self.refundable.minor:
            return
        made = self._cancel_refunds()
        failures = sum(refund.status is RefundStatus.FAILED for refund in made)
        if failures >= _CANCEL_FAILURES_MOST or any(refund.is_pending for refund in made):
            return
        due = now + _FIRST_FOLLOW * 10 ** (failures - 1) if failures else now
        refund_id = self._cancel_refund_id(len(made))
        self.refunds.append(
            Refund.ask(refund_id, self.id, self.refundable, _CANCEL_REASON, now, due_time=due)
        )

    def _cancel_refunds(self) -> list[Refund]:
        """Those that the order's end has made so far; their ids follow from their number."""
        known = {refund.id: refund for refund in self.refunds}
        made: list[Refund] = []
        while refund := known.get(self._cancel_refund_id(len(made))):
            made.append(refund)
        return made

    def _cancel_refund_id(self, number: int) -> UUID:
        return REFUND.derive(PAYMENT.format(self.id), "cancel", *([str(number)] if number else []))

    def _pending(self) -> bool:
        return any(refund.is_pending for refund in self.refunds)

    def _end(self, status: PaymentStatus) -> None:
        self.status, self.due_time, self.next_action_url = status, None, ""

    def _sum(self, statuses: Sequence[RefundStatus]) -> Money:
        amounts = (refund.amount.minor for refund in self.refunds if refund.status in statuses)
        return Money(sum(amounts), self.amount.currency)
