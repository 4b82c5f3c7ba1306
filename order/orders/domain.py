"""Orders and their status machine.

    PENDING -> CONFIRMED -> SHIPPED -> DELIVERED
    PENDING | CONFIRMED -> CANCELLED, with a reason

Every transition changes the state, appends to the history, increments the version and returns a domain event with a snapshot of the
order; each version is published once. *Commands* (cancel, ship, deliver) raise InvalidOrderState for an illegal transition and return
None when the order is already in the target state. *Reactions* (payment_succeeded, payment_failed, refund, expire, account_deleted)
never fail: late, duplicate or out-of-order events are ignored.

Not here: prices and stock (catalog), charging (payment), rows, messages and authorization.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kit.values import Money
from order.addresses.domain import Address
from order.lines.domain import Amounts, Line
from order.orders.errors import InvalidOrderState


class Status(StrEnum):
    """The status of an order."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class Confirmation(StrEnum):
    """Who confirms the payment: we, or the buyer's page."""

    SERVER = "SERVER"
    CLIENT = "CLIENT"


class CancelReason(StrEnum):
    """Why an order was cancelled."""

    CUSTOMER = "CUSTOMER"
    ADMIN = "ADMIN"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    PAYMENT_TIMEOUT = "PAYMENT_TIMEOUT"
    RESERVATION_EXPIRED = "RESERVATION_EXPIRED"
    ACCOUNT_DELETED = "ACCOUNT_DELETED"


_UNPAID = (CancelReason.PAYMENT_FAILED, CancelReason.PAYMENT_TIMEOUT, CancelReason.RESERVATION_EXPIRED)

_TRANSITIONS = {
    Status.PENDING: {Status.CONFIRMED, Status.CANCELLED},
    Status.CONFIRMED: {Status.SHIPPED, Status.CANCELLED},
    Status.SHIPPED: {Status.DELIVERED},
}


@dataclass(frozen=True, slots=True)
class StatusChange:
    """An entry of the order's history. The customer sees `note`; only an ADMIN sees `internal_note`."""

    status: Status
    time: datetime
    note: str = ""
    internal_note: str = ""


@dataclass(slots=True)
class Order:
    """What an account bought; changed only by its transitions.

    `number` is what people call it. `total` is the amount charged, `refunded` the part of it refunded so far. A PENDING order is
    cancelled at `deadline`. `cart_id` is the cart that it was placed from, if any, and `note` the buyer's note of that cart.
    `placed_by_guest` is only known until it is paid.
    """

    id: UUID
    number: int
    account_id: UUID
    lines: tuple[Line, ...]
    total: Money
    refunded: Money
    status: Status
    cancel_reason: CancelReason | None
    status_reason: str
    history: tuple[StatusChange, ...]
    shipping_address: Address | None
    version: int
    deadline: datetime
    create_time: datetime
    update_time: datetime
    amounts: Amounts
    billing_address: Address | None = None
    cart_id: UUID | None = None
    note: str = ""
    placed_by_guest: bool = False

    @classmethod
    def place(
        cls,
        order_id: UUID,
        number: int,
        account_id: UUID,
        lines: Sequence[Line],
        shipping_address: Address | None,
        payment_method: str,
        schedule: "Schedule",
        now: datetime,
        cart_id: UUID | None = None,
        amounts: Amounts | None = None,
        billing_address: Address | None = None,
    ) -> "OrderPlaced":
        """Creates an order and returns the event that carries it. Without `amounts`, it costs its lines and nothing else."""
        total = sum((line.total for line in lines[1:]), lines[0].total)
        if amounts and amounts.shipping:
            total += amounts.shipping.amounts.total
        order = cls(
            id=order_id,
            number=number,
            account_id=account_id,
            lines=tuple(lines),
            total=total,
            refunded=Money.zero(total.currency),
            status=Status.PENDING,
            cancel_reason=None,
            status_reason="",
            history=(StatusChange(Status.PENDING, now),),
            shipping_address=shipping_address,
            version=1,
            deadline=schedule.deadline,
            create_time=now,
            update_time=now,
            cart_id=cart_id,
            amounts=amounts or Amounts.plain(total),
            billing_address=billing_address,
        )
        return OrderPlaced(order, payment_method, schedule.pay_before)

    def cancel(self, reason: CancelReason, now: datetime, text: str = "") -> "OrderCancelled | None":
        """Command. Catalog and payment release stock and money when they consume the event; the customer sees `text`."""
        return self._cancelled(reason, now, text) if self._check_transition(Status.CANCELLED) else None

    def ship(self, now: datetime, note: str = "", internal_note: str = "") -> "OrderShipped | None":
        """Command: a CONFIRMED order was handed to the carrier."""
        if not self._check_transition(Status.SHIPPED):
            return None
        self._move(Status.SHIPPED, now, note, internal_note)
        return OrderShipped(replace(self))

    def deliver(self, now: datetime, note: str = "", internal_note: str = "") -> "OrderDelivered | None":
        """Command: a SHIPPED order arrived."""
        if not self._check_transition(Status.DELIVERED):
            return None
        self._move(Status.DELIVERED, now, note, internal_note)
        return OrderDelivered(replace(self))

    def payment_succeeded(
        self, stock_committed: bool, now: datetime
    ) -> "OrderConfirmed | OrderCancelled | None":
        """Reaction: the total was captured. Without committed stock the reservation had expired, so the order is cancelled."""
        if self.status is not Status.PENDING:
            return None
        if not stock_committed:
            return self._cancelled(CancelReason.RESERVATION_EXPIRED, now)
        self._move(Status.CONFIRMED, now)
        return OrderConfirmed(replace(self))

    def payment_failed(self, failure: str, now: datetime) -> "OrderCancelled | None":
        """Reaction: the charge failed permanently; `failure` is a code such as card_declined."""
        is_open = self.status is Status.PENDING
        return self._cancelled(CancelReason.PAYMENT_FAILED, now, failure) if is_open else None

    def refund(self, refunded: Money, reason: str, now: datetime) -> "OrderCancelled | OrderRefunded | None":
        """Reaction: `refunded` is the sum of all refunds so far. An unshipped order that is fully refunded is cancelled.

        That includes a PENDING order: its PaymentSucceeded is still in flight and must not confirm a refunded order.
        """
        if refunded.minor <= self.refunded.minor:
            return None
        self.refunded = refunded
        if self._is_unshipped() and refunded.minor >= self.total.minor:
            return self._cancelled(CancelReason.ADMIN, now, reason)
        self._bump_version(now)
        return OrderRefunded(replace(self))

    def account_deleted(self, now: datetime) -> "OrderCancelled | None":
        """Reaction: cancels an unshipped order of a deleted account."""
        return self._cancelled(CancelReason.ACCOUNT_DELETED, now) if self._is_unshipped() else None

    def expire(self, now: datetime) -> "OrderCancelled | None":
        """Reaction to time: a PENDING order was not paid before its deadline."""
        is_overdue = self.status is Status.PENDING and now >= self.deadline
        return self._cancelled(CancelReason.PAYMENT_TIMEOUT, now) if is_overdue else None

    @property
    def reopens_cart(self) -> bool:
        """Whether the order came from a cart and was cancelled unpaid, so that its buyer may try again."""
        if self.cart_id is None or self.status is not Status.CANCELLED:
            return False
        by_customer = self.cancel_reason is CancelReason.CUSTOMER
        return self.history[-2].status is Status.PENDING if by_customer else self.cancel_reason in _UNPAID

    def _is_unshipped(self) -> bool:
        return self.status in (Status.PENDING, Status.CONFIRMED)

    def _check_transition(self, status: Status) -> bool:
        """Returns False when the order already has the status; raises InvalidOrderState when it cannot reach it."""
        if self.status is status:
            return False
        if status not in _TRANSITIONS.get(self.status, ()):
            raise InvalidOrderState(
                f"the order is {self.status} and cannot become {status}",
                details={"status": self.status.value, "wanted": status.value},
            )
        return True

    def _cancelled(self, reason: CancelReason, now: datetime, text: str = "") -> "OrderCancelled":
        self.cancel_reason = reason
        self.status_reason = text
        self._move(Status.CANCELLED, now, text)
        return OrderCancelled(replace(self))

    def _move(self, status: Status, now: datetime, note: str = "", internal_note: str = "") -> None:
        self.status = status
        self.history = (*self.history, StatusChange(status, now, note, internal_note))
        self._bump_version(now)

    def _bump_version(self, now: datetime) -> None:
        self.version += 1
        self.update_time = now


@dataclass(frozen=True, slots=True)
class Schedule:
    """No charge starts after `pay_before`; an unpaid order is cancelled at `deadline`."""

    pay_before: datetime
    deadline: datetime

    @classmethod
    def of(cls, now: datetime, pending: timedelta, expire_time: datetime) -> "Schedule":
        """The deadline is `pending` from now, or the reservation's expiry if sooner: a retry may find an older reservation.

        The last fifth of the time is left for charges in progress.
        """
        deadline = min(now + pending, expire_time)
        return cls(deadline - pending / 5, deadline)


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """A change of an order, with a snapshot of the order after it."""

    order: Order


@dataclass(frozen=True, slots=True)
class OrderPlaced(DomainEvent):
    """An order was placed and its stock is reserved."""

    payment_method: str
    pay_before: datetime
    confirmation: Confirmation = Confirmation.SERVER
    save_method: bool = False


class OrderConfirmed(DomainEvent):
    """An order was paid and its stock is committed."""


class OrderCancelled(DomainEvent):
    """An order was cancelled."""


class OrderShipped(DomainEvent):
    """An order was handed to the carrier."""


class OrderDelivered(DomainEvent):
    """An order arrived."""


class OrderRefunded(DomainEvent):
    """Money was refunded without a change of status."""
