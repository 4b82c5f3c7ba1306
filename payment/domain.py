"""Payments and their refunds. What the provider says is taken in here; how it is asked is not known."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.errors import Violation
from kit.values import ORDER, PAYMENT, REFUND, Money
from payment.errors import NothingCaptured, RefundExceedsCapture

_CANCEL_REASON: Final = "order cancelled"
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
# What waits for a buyer or a bank is told by a webhook; looking is for those that get lost. Some banks take days.
_FIRST_LOOK: Final = timedelta(seconds=5)
_LAST_LOOK: Final = timedelta(minutes=15)
# A refund that the provider refuses today (our balance there, the buyer's bank) it may make tomorrow: after 1, 4, 16 and 64 minutes.
_REFUSALS_MOST: Final = 5
_FIRST_REFUSAL: Final = timedelta(minutes=1)


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


class RefundStatus(StrEnum):
    """Where a refund stands."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


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
class ProviderRefund:
    """The provider's side of a refund; `refused` when this one will not happen, `final` when no other one will either."""

    id: str
    done: bool
    refused: bool = False
    final: bool = False


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
class Refund:
    """Money on its way back; `input_hash` stands for what was asked for, empty when nobody asked."""

    id: UUID
    payment_id: UUID
    amount: Money
    reason: str
    status: RefundStatus
    create_time: datetime
    update_time: datetime
    provider_id: str = ""
    provider_failures: int = 0
    attempts: int = 0
    due_time: datetime | None = None
    input_hash: bytes = b""
    refusals: int = 0

    def key(self) -> str:
        """The idempotency key at the provider; another after each failure that it keeps."""
        return _numbered(f"refund:{REFUND.format(self.id)}", self.provider_failures)


@dataclass(frozen=True, slots=True)
class WantedRefund:
    """A refund that somebody asks for; its id follows from who asks under which key. Without an amount: what is left."""

    id: UUID
    amount: Money | None
    reason: str
    input_hash: bytes


@dataclass(slots=True)
class Payment:
    """The charge of one order.

    `confirmed` is set before the provider is asked to charge, so from then on only the provider knows. `due_time` is when
    somebody looks at it next; None: nothing is to be done.
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
        return _numbered(f"{PAYMENT.format(self.id)}:{operation}", self.provider_failures)

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

    def give_up(self, now: datetime) -> None:
        """No charge was begun, and none will."""
        self._end(PaymentStatus.CANCELLED)
        self.update_time = now

    def look_again(self, now: datetime) -> None:
        """When to try again what failed: later with every attempt."""
        if self.status.is_open:
            self.due_time = now + pause(self.attempts)

    def wait(self, now: datetime) -> None:
        """When to look at what others must do first: the longer it takes, the rarer, but when it may not be charged any more."""
        if self.status.is_open:
            later = now + _patience(self.create_time, now)
            self.due_time = self.pay_before if now < self.pay_before < later else later

    def refund_done(self, refund: Refund, answer: ProviderRefund, now: datetime) -> Fact | None:
        """Takes in what the provider says of a refund under way."""
        if refund.status is not RefundStatus.PENDING:
            return None
        if answer.refused:
            self._refused(refund, answer, now)
            return None
        refund.provider_id = answer.id
        if not answer.done:
            refund.due_time = now + max(pause(refund.attempts), _patience(refund.create_time, now))
            return None
        refund.status, refund.due_time = RefundStatus.SUCCEEDED, None
        refund.update_time = self.update_time = now
        return PaymentRefunded(self, refund)

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
            Refund(
                id=wanted.id,
                payment_id=self.id,
                amount=amount,
                reason=wanted.reason,
                status=RefundStatus.PENDING,
                create_time=now,
                update_time=now,
                due_time=now,
                input_hash=wanted.input_hash,
            )
        )
        self.update_time = now

    def _refused(self, refund: Refund, answer: ProviderRefund, now: datetime) -> None:
        """Another is asked for later, under another key; after the last one it has failed, and its money may be asked back anew."""
        refund.refusals += 1
        refund.update_time = self.update_time = now
        if answer.final or refund.refusals >= _REFUSALS_MOST:
            refund.status, refund.due_time, refund.provider_id = RefundStatus.FAILED, None, answer.id
            return
        refund.provider_id = ""
        refund.provider_failures += 1
        refund.due_time = now + _FIRST_REFUSAL * 4 ** (refund.refusals - 1)

    def _refund_cancelled(self, now: datetime) -> None:
        """One refund of all that is left, when the order has ended and something was captured."""
        refund_id = REFUND.derive(PAYMENT.format(self.id), "cancel")
        if not self.order_cancelled or not self.refundable.minor or self._has(refund_id):
            return
        self.refunds.append(
            Refund(
                id=refund_id,
                payment_id=self.id,
                amount=self.refundable,
                reason=_CANCEL_REASON,
                status=RefundStatus.PENDING,
                create_time=now,
                update_time=now,
                due_time=now,
            )
        )

    def _end(self, status: PaymentStatus) -> None:
        self.status, self.due_time, self.next_action_url = status, None, ""

    def _has(self, refund_id: UUID) -> bool:
        return any(refund.id == refund_id for refund in self.refunds)

    def _sum(self, statuses: Sequence[RefundStatus]) -> Money:
        amounts = (refund.amount.minor for refund in self.refunds if refund.status in statuses)
        return Money(sum(amounts), self.amount.currency)


def pause(attempts: int) -> timedelta:
    """How long to wait after so many attempts: twice as long each time, half a minute at most."""
    return timedelta(
        seconds=min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(max(0, attempts - 1), 10))
    )


def _patience(since: datetime, now: datetime) -> timedelta:
    return min(_LAST_LOOK, max(_FIRST_LOOK, (now - since) / 10))


def _numbered(key: str, number: int) -> str:
    return f"{key}:{number}" if number else key
