"""Orders and their status machine.

    PENDING -> CONFIRMED -> SHIPPED -> DELIVERED
    PENDING | CONFIRMED -> CANCELLED, with its reason

A transition changes the order's state, adds to its history, raises its version and returns its fact, which carries the order as
it is then: each version is told once. There are two kinds. *Commands* (cancel, ship, deliver) raise OrderState where the machine
has no such arrow, and answer None where the order is there already. *Reactions* to what happened elsewhere (payment_succeeded,
payment_failed, refund, expire, account_deleted) never fail on state: facts arrive late, twice and in any order, and then mean nothing.

Not here: prices and stock, which are the catalog's; charging, which is payment's; rows, messages and who may call.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kit.values import Money
from order.errors import OrderState


class Status(StrEnum):
    """Where an order stands."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class CancelReason(StrEnum):
    """Why an order was cancelled."""

    CUSTOMER = "CUSTOMER"
    ADMIN = "ADMIN"
    PAYMENT_FAILED = "PAYMENT_FAILED"
    PAYMENT_TIMEOUT = "PAYMENT_TIMEOUT"
    RESERVATION_EXPIRED = "RESERVATION_EXPIRED"
    ACCOUNT_DELETED = "ACCOUNT_DELETED"


_ARROWS = {
    Status.PENDING: {Status.CONFIRMED, Status.CANCELLED},
    Status.CONFIRMED: {Status.SHIPPED, Status.CANCELLED},
    Status.SHIPPED: {Status.DELIVERED},
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One product of a purchase; `position` is its first line as the caller sent them, for naming it in errors."""

    product_id: UUID
    quantity: int
    position: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where an order goes; empty text where the buyer gave nothing. `country_code` is ISO 3166-1 alpha-2."""

    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country_code: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """What a caller asks for, checked. Each product stands in one of `wanted`.

    `request_id` is the caller's idempotency key, and `input_hash` stands for what everything else here means. `written_hash` stands for
    how it was written, by which orders of earlier releases are known.
    `expected_total` is the decimal that the buyer saw; empty: any. `payment_method` is a provider's token; empty: the deployment's.
    """

    account_id: UUID | None
    wanted: tuple[Wanted, ...]
    shipping_address: Address | None
    payment_method: str
    expected_total: str
    request_id: str
    input_hash: bytes
    written_hash: bytes = b""

    def is_same_as(self, input_hash: bytes) -> bool:
        """Whether this is what an order with such a hash was placed with."""
        return input_hash in (self.input_hash, self.written_hash)


@dataclass(frozen=True, slots=True)
class Line:
    """One product of an order, with name and price as they were when it was placed."""

    product_id: UUID
    name: str
    unit_price: Money
    quantity: int

    @property
    def total(self) -> Money:
        """What the line costs; exact, because prices have whole minor units."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One step of an order's life. The customer sees `note`, an ADMIN `internal_note` too."""

    status: Status
    time: datetime
    note: str = ""
    internal_note: str = ""


@dataclass(slots=True)
class Order:
    """What an account bought. Changed by its transitions only.

    `total` is the whole charge, `refunded` what went back of it. `version` rises with every change. A PENDING order is cancelled
    at `deadline`.
    """

    id: UUID
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

    @classmethod
    def place(
        cls,
        order_id: UUID,
        account_id: UUID,
        lines: Sequence[Line],
        shipping_address: Address | None,
        payment_method: str,
        schedule: "Schedule",
        now: datetime,
    ) -> "OrderPlaced":
        """A new order, as its fact."""
        total = sum((line.total for line in lines[1:]), lines[0].total)
        order = cls(
            id=order_id,
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
        )
        return OrderPlaced(order, payment_method, schedule.pay_before)

    def cancel(self, reason: CancelReason, now: datetime, text: str = "") -> "OrderCancelled | None":
        """Command: ends a PENDING or CONFIRMED order; its stock and money go back when others hear of it. The customer sees `text`."""
        return self._cancelled(reason, now, text) if self._asks_for(Status.CANCELLED) else None

    def ship(self, now: datetime, note: str = "", internal_note: str = "") -> "OrderShipped | None":
        """Command: a CONFIRMED order is on its way."""
        if not self._asks_for(Status.SHIPPED):
            return None
        self._move(Status.SHIPPED, now, note, internal_note)
        return OrderShipped(replace(self))

    def deliver(self, now: datetime, note: str = "", internal_note: str = "") -> "OrderDelivered | None":
        """Command: a SHIPPED order arrived."""
        if not self._asks_for(Status.DELIVERED):
            return None
        self._move(Status.DELIVERED, now, note, internal_note)
        return OrderDelivered(replace(self))

    def payment_succeeded(self, sold: bool, now: datetime) -> "OrderConfirmed | OrderCancelled | None":
        """Reaction: the total was captured; `sold` says whether the catalog could still commit the stock."""
        if self.status is not Status.PENDING:
            return None
        if not sold:
            return self._cancelled(CancelReason.RESERVATION_EXPIRED, now)
        self._move(Status.CONFIRMED, now)
        return OrderConfirmed(replace(self))

    def payment_failed(self, failure: str, now: datetime) -> "OrderCancelled | None":
        """Reaction: the provider declined for good; `failure` is its code, such as card_declined."""
        if self.status is not Status.PENDING:
            return None
        return self._cancelled(CancelReason.PAYMENT_FAILED, now, failure)

    def refund(self, refunded: Money, reason: str, now: datetime) -> "OrderCancelled | OrderRefunded | None":
        """Reaction: that much went back in all so far. An order that did not go out and got all of it back is cancelled.

        A PENDING one too: then its PaymentSucceeded is still on the way and must not confirm what has no money any more.
        """
        if refunded.minor <= self.refunded.minor:
            return None
        self.refunded = refunded
        unsent = self.status in (Status.PENDING, Status.CONFIRMED)
        if unsent and refunded.minor >= self.total.minor:
            return self._cancelled(CancelReason.ADMIN, now, reason)
        self._touch(now)
        return OrderRefunded(replace(self))

    def account_deleted(self, now: datetime) -> "OrderCancelled | None":
        """Reaction: whoever ordered is gone for good; what did not go out never will."""
        if self.status not in (Status.PENDING, Status.CONFIRMED):
            return None
        return self._cancelled(CancelReason.ACCOUNT_DELETED, now)

    def expire(self, now: datetime) -> "OrderCancelled | None":
        """Reaction to time: nobody paid a PENDING order before its deadline."""
        if self.status is not Status.PENDING or now < self.deadline:
            return None
        return self._cancelled(CancelReason.PAYMENT_TIMEOUT, now)

    def _asks_for(self, status: Status) -> bool:
        """Whether a command has something to do; raises OrderState when there is no way from here."""
        if self.status is status:
            return False
        if status not in _ARROWS.get(self.status, ()):
            raise OrderState(
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
        self._touch(now)

    def _touch(self, now: datetime) -> None:
        self.version += 1
        self.update_time = now


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a new order must be paid: no charge starts after `pay_before`, and it is cancelled at `deadline`."""

    pay_before: datetime
    deadline: datetime

    @classmethod
    def of(cls, now: datetime, pending: timedelta, expire_time: datetime) -> "Schedule":
        """Cancelled after `pending`, or when the reservation expires if that is sooner: a repeat may meet an old one.

        The last fifth of the time is for charges under way.
        """
        deadline = min(now + pending, expire_time)
        return cls(deadline - pending / 5, deadline)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened to an order, with the order as it was then."""

    order: Order


@dataclass(frozen=True, slots=True)
class OrderPlaced(Fact):
    """An order was placed and its stock is held."""

    payment_method: str
    pay_before: datetime


class OrderConfirmed(Fact):
    """An order was paid and its stock is sold."""


class OrderCancelled(Fact):
    """An order was cancelled."""


class OrderShipped(Fact):
    """An order is on its way."""


class OrderDelivered(Fact):
    """An order arrived."""


class OrderRefunded(Fact):
    """Money went back, and the order's status stayed."""
