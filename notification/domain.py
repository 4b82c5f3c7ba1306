"""Notifications: who is told what, and how often it was tried. How a mail looks is in `templates`, how it goes out in `mailer`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.errors import JsonValue
from kit.values import ACCOUNT, NOTIFICATION, ORDER, REFUND

CHANNEL: Final = "email"
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 600.0
# As long as mail servers usually try.
_GIVE_UP_AFTER: Final = timedelta(days=3)


class Template(StrEnum):
    """What can be told; each has a subject here, and a text and an HTML of its name."""

    WELCOME = "welcome"
    EMAIL_VERIFICATION = "email_verification"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a template's name
    ORDER_PLACED = "order_placed"
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_CANCELLED = "order_cancelled"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REFUNDED = "refunded"


# A person waits for these at a screen.
_AWAITED: Final = frozenset({Template.EMAIL_VERIFICATION, Template.PASSWORD_RESET})

_SUBJECTS: Final[Mapping[Template, str]] = {
    Template.WELCOME: "Welcome to Souk",
    Template.EMAIL_VERIFICATION: "Confirm your address",
    Template.PASSWORD_RESET: "Set a new password",
    Template.ORDER_PLACED: "We have your order",
    Template.ORDER_CONFIRMED: "Your order is confirmed",
    Template.ORDER_CANCELLED: "Your order was cancelled",
    Template.SHIPPED: "Your order is on its way",
    Template.DELIVERED: "Your order has arrived",
    Template.REFUNDED: "Your refund is on its way",
}


class Status(StrEnum):
    """Where a notification stands."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


class Failure(StrEnum):
    """Why a notification was given up."""

    REFUSED = "REFUSED"
    EXPIRED = "EXPIRED"
    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    NOT_TAKEN = "NOT_TAKEN"
    NOT_RENDERED = "NOT_RENDERED"
    NO_RECIPIENT = "NO_RECIPIENT"


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person and their address, as the account service published it last.

    Until `email_verified` the address may be a stranger's, so no text that the person chose goes there. `is_gone`: the account was
    deleted, and name and address are empty.
    """

    account_id: UUID
    name: str
    email: str
    update_time: datetime
    email_verified: bool = False
    is_gone: bool = False


@dataclass(slots=True)
class Notification:
    """One fact told to one person; `context` is what its template needs, `recipient` the address once it is known where it went.

    After `expire_time` it would be of no use any more.
    """

    id: UUID
    account_id: UUID
    order_id: UUID | None
    template: Template
    context: Mapping[str, JsonValue]
    subject: str
    recipient: str
    status: Status
    attempts: int
    due_time: datetime | None
    create_time: datetime
    send_time: datetime | None = None
    expire_time: datetime | None = None
    failure: Failure | None = None

    @classmethod
    def welcome(cls, account_id: UUID, now: datetime) -> "Notification":
        """To somebody who has just registered."""
        return cls._queued(Template.WELCOME, ACCOUNT.format(account_id), account_id, None, {}, now)

    @classmethod
    def about_order(
        cls,
        template: Template,
        order_id: UUID,
        account_id: UUID,
        context: Mapping[str, JsonValue],
        now: datetime,
    ) -> "Notification":
        """About a status of an order, which is reached once."""
        return cls._queued(template, ORDER.format(order_id), account_id, order_id, context, now)

    @classmethod
    def about_refund(
        cls,
        refund_id: UUID,
        order_id: UUID,
        account_id: UUID,
        context: Mapping[str, JsonValue],
        now: datetime,
    ) -> "Notification":
        """About money that goes back."""
        return cls._queued(Template.REFUNDED, REFUND.format(refund_id), account_id, order_id, context, now)

    @classmethod
    def with_link(
        cls,
        template: Template,
        event_id: UUID,
        account_id: UUID,
        context: Mapping[str, JsonValue],
        expire_time: datetime,
        now: datetime,
    ) -> "Notification":
        """With a link that whoever has it may use until `expire_time`; each time it is asked for is a fact of its own."""
        notification = cls._queued(template, str(event_id), account_id, None, context, now)
        notification.expire_time = expire_time
        return notification

    @classmethod
    def _queued(
        cls,
        template: Template,
        fact: str,
        account_id: UUID,
        order_id: UUID | None,
        context: Mapping[str, JsonValue],
        now: datetime,
    ) -> "Notification":
        # The same fact always has the same notification, however often it is heard of.
        return cls(
            id=NOTIFICATION.derive(template, fact),
            account_id=account_id,
            order_id=order_id,
            template=template,
            context=context,
            subject=_SUBJECTS[template],
            recipient="",
            status=Status.QUEUED,
            attempts=0,
            due_time=now,
            create_time=now,
        )

    @property
    def priority(self) -> int:
        """0 goes out before 1."""
        return 0 if self.template in _AWAITED else 1

    def sent(self, recipient: str, now: datetime) -> None:
        """The mail server has taken it."""
        self.recipient, self.status, self.due_time, self.send_time = recipient, Status.SENT, None, now

    def is_too_late(self, now: datetime) -> bool:
        """Whether telling it would be of no use any more."""
        return self.expire_time is not None and self.expire_time <= now

    def failed(self, recipient: str, failure: Failure) -> None:
        """It is not tried again."""
        self.recipient, self.status, self.due_time, self.failure = recipient, Status.FAILED, None, failure

    def delayed(self, recipient: str, now: datetime, because: Failure = Failure.NOT_TAKEN) -> None:
        """It is tried again later, twice as long each time, and given up after three days."""
        if now - self.create_time > _GIVE_UP_AFTER:
            self.failed(recipient, because)
            return
        seconds = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2 ** min(max(0, self.attempts - 1), 20))
        self.due_time = now + timedelta(seconds=seconds)


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail as it is handed over; the same notification always has the same `message_id`."""

    message_id: str
    recipient: str
    subject: str
    text: str
    html: str
