"""What other services tell: their facts -> notifications. Nothing is sent here."""

from collections.abc import Sequence
from typing import Any

from souk.account.v1 import events_pb2 as account
from souk.order.v1 import events_pb2 as order
from souk.payment.v1 import events_pb2 as payment

from kit.db import Transaction
from kit.events import BatchHandler, Event, Subscription
from kit.values import ACCOUNT, ORDER, REFUND, Clock, timestamp_from_proto
from notification.domain import Notification, Template
from notification.messages import link_context, order_context, recipient_from_proto, refund_context
from notification.use_cases import Notifications


class Facts:
    """Reactions to souk.account.v1, souk.order.v1 and souk.payment.v1."""

    def __init__(self, notifications: Notifications, *, clock: Clock) -> None:
        self._notifications = notifications
        self._clock = clock

    def subscriptions(self) -> list[Subscription]:
        """Which reaction belongs to which fact."""
        return [
            Subscription(
                "souk.account.v1",
                {
                    account.AccountRegistered: self.account_registered,
                    account.AccountUpdated: self.account_updated,
                    account.AccountDeleted: self.account_deleted,
                    account.EmailVerificationRequested: self._link(Template.EMAIL_VERIFICATION),
                    account.PasswordResetRequested: self._link(Template.PASSWORD_RESET),
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
            Subscription("souk.payment.v1", {payment.PaymentRefunded: self.payment_refunded}),
        ]

    async def account_registered(self, tx: Transaction, event: Event[account.AccountRegistered]) -> None:
        """AccountRegistered."""
        await self._notifications.account_registered(tx, recipient_from_proto(event.body.account))

    async def account_updated(self, tx: Transaction, event: Event[account.AccountUpdated]) -> None:
        """AccountUpdated."""
        await self._notifications.account_updated(tx, recipient_from_proto(event.body.account))

    async def account_deleted(self, tx: Transaction, event: Event[account.AccountDeleted]) -> None:
        """AccountDeleted."""
        await self._notifications.account_deleted(tx, ACCOUNT.parse(event.body.account_id, "account_id"))

    async def payment_refunded(self, tx: Transaction, event: Event[payment.PaymentRefunded]) -> None:
        """PaymentRefunded."""
        paid, refund = event.body.payment, event.body.refund
        notification = Notification.about_refund(
            REFUND.parse(refund.id, "refund", "id"),
            ORDER.parse(paid.order_id, "payment", "order_id"),
            ACCOUNT.parse(paid.account_id, "payment", "account_id"),
            refund_context(paid, refund),
            self._clock(),
        )
        await self._notifications.queue(tx, [notification])

    def _link(self, template: Template) -> Any:
        """The reaction that sends a link, to the address that the fact itself names."""

        async def reaction(tx: Transaction, event: Event[Any]) -> None:
            now, expire_time = self._clock(), timestamp_from_proto(event.body.token_expire_time)
            recipient = recipient_from_proto(event.body.account)
            notification = Notification.with_link(
                template,
                event.id,
                recipient.account_id,
                link_context(event.body.sealed_token, expire_time, now),
                expire_time,
                now,
            )
            await self._notifications.account_updated(tx, recipient)
            await self._notifications.queue(tx, [notification])

        return reaction

    def _order(self, template: Template) -> Any:
        """The reaction that tells of orders' new status."""

        async def reaction(tx: Transaction, events: Sequence[Event[Any]]) -> None:
            now = self._clock()
            orders = [event.body.order for event in events]
            told = [
                Notification.about_order(
                    template,
                    ORDER.parse(each.id, "order", "id"),
                    ACCOUNT.parse(each.account_id, "order", "account_id"),
                    order_context(each),
                    now,
                )
                for each in orders
            ]
            await self._notifications.queue(tx, told)

        return reaction
