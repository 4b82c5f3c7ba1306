"""Account, order and payment events -> recipients and queued notifications. Nothing is sent here."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from souk.account.v1 import events_pb2 as account
from souk.order.v1 import events_pb2 as order
from souk.payment.v1 import events_pb2 as payment

from kit.db import Transaction
from kit.events import BatchHandler, Event, Subscription
from kit.guests import MergedGuests
from kit.values import ACCOUNT, ORDER, REFUND, Clock, timestamp_from_proto
from notification.contexts.messages import link_context, order_context, refund_context
from notification.notifications.domain import Notification, Template
from notification.notifications.messages import recipient_from_proto
from notification.notifications.use_cases import Notifications
from notification.recipients.domain import OrderLink, Recipient
from notification.recipients.use_cases import Recipients


class EventHandlers:
    """Handlers of souk.account.v1, souk.order.v1 and souk.payment.v1."""

    def __init__(
        self, notifications: Notifications, recipients: Recipients, guests: MergedGuests, *, clock: Clock
    ) -> None:
        self._guests = guests
        self._notifications = notifications
        self._recipients = recipients
        self._clock = clock

    def subscriptions(self) -> list[Subscription]:
        """The handler of every event type."""
        return [
            Subscription(
                "souk.account.v1",
                {
                    account.AccountRegistered: BatchHandler(self.accounts_registered),
                    account.AccountUpdated: BatchHandler(self.accounts_updated),
                    account.AccountDeleted: self.account_deleted,
                    account.EmailVerificationRequested: BatchHandler(self._link(Template.EMAIL_VERIFICATION)),
                    account.PasswordResetRequested: BatchHandler(self._link(Template.PASSWORD_RESET)),
                    account.OrderLinkRequested: BatchHandler(self._link(Template.ORDER_LINK)),
                    account.GuestMerged: self._guests.merged,
                },
            ),
            Subscription(
                "souk.order.v1",
                {
                    order.OrderPlaced: BatchHandler(self._order(Template.ORDER_PLACED)),
                    order.OrderConfirmed: BatchHandler(self._order(Template.ORDER_CONFIRMED)),
                    order.OrderCancelled: BatchHandler(self._order(Template.ORDER_CANCELLED)),
                    order.OrderShipped: BatchHandler(self._order(Template.SHIPPED)),
                    order.OrderDelivered: BatchHandler(self._order(Template.DELIVERED)),
                },
            ),
            Subscription("souk.payment.v1", {payment.PaymentRefunded: BatchHandler(self.payments_refunded)}),
        ]

    async def accounts_registered(
        self, tx: Transaction, events: Sequence[Event[account.AccountRegistered]]
    ) -> None:
        """Saves the recipients and queues the welcome mails."""
        recipients, now = [recipient_from_proto(event.body.account) for event in events], self._clock()
        await self._recipients.update(tx, recipients)
        await self._notifications.queue(
            tx, [Notification.welcome(recipient.account_id, now) for recipient in recipients]
        )

    async def accounts_updated(
        self, tx: Transaction, events: Sequence[Event[account.AccountUpdated]]
    ) -> None:
        """Saves the recipients, of guests also the link to their orders."""
        await self._recipients.update(tx, [_updated(event.body) for event in events])

    async def account_deleted(self, tx: Transaction, event: Event[account.AccountDeleted]) -> None:
        """Erases the recipient and the content of their notifications."""
        account_id = ACCOUNT.parse(event.body.account_id, "account_id")
        await self._recipients.delete(tx, account_id)
        await self._notifications.erase(tx, account_id)

    async def payments_refunded(
        self, tx: Transaction, events: Sequence[Event[payment.PaymentRefunded]]
    ) -> None:
        """Queues mails about refunds."""
        now = self._clock()
        await self._notifications.queue(tx, [_refund(event.body, now) for event in events])

    def _link(self, template: Template) -> Any:
        """A handler that queues mails with a link and saves the addresses in the events, which are the ones to use."""

        async def handle(tx: Transaction, events: Sequence[Event[Any]]) -> None:
            now = self._clock()
            recipients = [_linked(template, event.body) for event in events]
            await self._recipients.update(tx, recipients)
            await self._notifications.queue(tx, [_with_link(template, event, now) for event in events])

        return handle

    def _order(self, template: Template) -> Any:
        """A handler that queues mails about orders' new status; none about an unpaid order that a guest placed.

        Anyone can order as a guest with another person's address, and a guest may never leave one.
        """

        async def handle(tx: Transaction, events: Sequence[Event[Any]]) -> None:
            now = self._clock()
            notifications = [
                Notification.about_order(
                    template,
                    ORDER.parse(event.body.order.id, "order", "id"),
                    ACCOUNT.parse(event.body.order.account_id, "order", "account_id"),
                    order_context(event.body.order),
                    now,
                )
                for event in events
            ]
            due = [
                notification
                for notification, event in zip(notifications, events, strict=True)
                if not (notification.is_about_unpaid_order and event.body.placed_by_guest)
            ]
            await self._notifications.queue(tx, due)

        return handle


def _updated(body: account.AccountUpdated) -> Recipient:
    link = None
    if body.sealed_order_token:
        link = OrderLink(body.sealed_order_token, timestamp_from_proto(body.order_token_expire_time))
    return recipient_from_proto(body.account, link)


def _linked(template: Template, body: Any) -> Recipient:
    link = None
    if template is Template.ORDER_LINK:
        link = OrderLink(body.sealed_token, timestamp_from_proto(body.token_expire_time))
    return recipient_from_proto(body.account, link)


def _with_link(template: Template, event: Event[Any], now: datetime) -> Notification:
    expire_time = timestamp_from_proto(event.body.token_expire_time)
    return Notification.with_link(
        template,
        event.id,
        ACCOUNT.parse(event.body.account.id, "account", "id"),
        link_context(event.body.sealed_token, expire_time, now),
        expire_time,
        now,
    )


def _refund(body: payment.PaymentRefunded, now: datetime) -> Notification:
    paid, refund = body.payment, body.refund
    return Notification.about_refund(
        REFUND.parse(refund.id, "refund", "id"),
        ORDER.parse(paid.order_id, "payment", "order_id"),
        ACCOUNT.parse(paid.account_id, "payment", "account_id"),
        refund_context(paid, refund),
        now,
    )
