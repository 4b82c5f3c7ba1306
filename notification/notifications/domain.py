"""A notification and its delivery state. Rendering and sending it as a mail are in `notification.mail`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from kit.errors import JsonValue
from kit.values import ACCOUNT, NOTIFICATION, ORDER, REFUND, backoff_seconds

CHANNEL: Final = "email"
_FIRST_RETRY_SECONDS = 1.0
_MAX_RETRY_SECONDS = 600.0
# As long as mail servers usually retry.
_GIVE_UP_AFTER: Final = timedelta(days=3)


class Template(StrEnum):
    """The kinds of notification; each has a subject below, and a text and an HTML file of its name in `mail/templates`."""

    WELCOME = "welcome"
    EMAIL_VERIFICATION = "email_verification"
    PASSWORD_RESET = "password_reset"  # noqa: S105 - a template's name
    ORDER_LINK = "order_link"
    ORDER_PLACED = "order_placed"
    ORDER_CONFIRMED = "order_confirmed"
    ORDER_CANCELLED = "order_cancelled"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    REFUNDED = "refunded"


# The user waits for these in front of the screen.
_URGENT: Final = frozenset({Template.EMAIL_VERIFICATION, Template.PASSWORD_RESET, Template.ORDER_LINK})

_SUBJECTS: Final[Mapping[Template, str]] = {
    Template.WELCOME: "Welcome to Souk",
    Template.EMAIL_VERIFICATION: "Confirm your address",
    Template.PASSWORD_RESET: "Set a new password",
    Template.ORDER_LINK: "The link to your orders",
    Template.ORDER_PLACED: "We have your order",
    Template.ORDER_CONFIRMED: "Your order is confirmed",
    Template.ORDER_CANCELLED: "Your order was cancelled",
    Template.SHIPPED: "Your order is on its way",
    Template.DELIVERED: "Your order has arrived",
    Template.REFUNDED: "Your refund is on its way",
}


class Status(StrEnum):
    """The delivery status."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


class Failure(StrEnum):
    """Why a notification will not be sent any more; the values are stored and part of the API."""

    REJECTED = "REFUSED"
    EXPIRED = "EXPIRED"
    ACCOUNT_DELETED = "ACCOUNT_DELETED"
    DELIVERY_TIMED_OUT = "NOT_TAKEN"
    NOT_RENDERED = "NOT_RENDERED"
    NO_RECIPIENT = "NO_RECIPIENT"


@dataclass(slots=True)
class Notification:
    """One message about one event to one account.

    `context`: the template's variables. `recipient`: the address it was sent to, else the account's current one. It is not sent
    after `expire_time`.
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
        """For a new account."""
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
        """About an order's new status; an order reaches each status once."""
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
        """About one refund of an order."""
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
        """With a link that works until `expire_time`; each request for a link is an event of its own."""
        notification = cls._queued(template, str(event_id), account_id, None, context, now)
        notification.expire_time = expire_time
        return notification

    @classmethod
    def _queued(
        cls,
        template: Template,
        subject_id: str,
        account_id: UUID,
        order_id: UUID | None,
        context: Mapping[str, JsonValue],
        now: datetime,
    ) -> "Notification":
        # Derived from the event's subject, so an event that is delivered twice makes one notification.
        return cls(
            id=NOTIFICATION.derive(template, subject_id),
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
        """0 is sent before 1."""
        return 0 if self.template in _URGENT else 1

    @property
    def is_about_unpaid_order(self) -> bool:
        """Whether its order was not paid when its event was published; of older rows that is not known."""
        about_order = self.template in (Template.ORDER_PLACED, Template.ORDER_CANCELLED)
        return about_order and self.context.get("paid") is False

    def is_expired(self, now: datetime) -> bool:
        """Whether its link no longer works."""
        return self.expire_time is not None and self.expire_time <= now

    def mark_sent(self, recipient: str, now: datetime) -> None:
        """The mail server accepted it."""
        self.recipient, self.status, self.due_time, self.send_time = recipient, Status.SENT, None, now

    def fail(self, recipient: str, failure: Failure) -> None:
        """It is not retried."""
        self.recipient, self.status, self.due_time, self.failure = recipient, Status.FAILED, None, failure

    def schedule_retry(
        self, recipient: str, now: datetime, reason: Failure = Failure.DELIVERY_TIMED_OUT
    ) -> None:
        """Retries later, doubling the delay; three days after its creation it fails for `reason` instead."""
        if now - self.create_time > _GIVE_UP_AFTER:
            self.fail(recipient, reason)
            return
        seconds = backoff_seconds(self.attempts, _FIRST_RETRY_SECONDS, _MAX_RETRY_SECONDS, min_share=1.0)
        self.due_time = now + timedelta(seconds=seconds)
