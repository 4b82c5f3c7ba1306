"""What other services tell: their facts -> notifications. Nothing is sent here."""

from typing import Any

from souk.account.v1 import events_pb2 as account
from souk.order.v1 import events_pb2 as order
from souk.payment.v1 import events_pb2 as payment

from kit.db import Transaction
from kit.events import Event, Subscription
from kit.values import ACCOUNT, ORDER, REFUND, Clock
from notification.domain import Notification, Template
from notification.messages import order_context, recipient_from_proto, refund_context
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
                },
            ),
            Subscription(
                "souk.order.v1",
                {
                    order.OrderConfirmed: self._order(Template.ORDER_CONFIRMED),
                    order.OrderCancelled: self._order(Template.ORDER_CANCELLED),
                    order.OrderShipped: self._order(Template.SHIPPED),
                    order.OrderDelivered: self._order(Template.DELIVERED),
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
        await self._notifications.queue(tx, notification)

    def _order(self, template: Template) -> Any:
        """The reaction that tells of an order's new status."""

        async def reaction(tx: Transaction, event: Event[Any]) -> None:
            told = event.body.order
            notification = Notification.about_order(
                template,
                ORDER.parse(told.id, "order", "id"),
                ACCOUNT.parse(told.account_id, "order", "account_id"),
                order_context(told),
                self._clock(),
            )
            await self._notifications.queue(tx, notification)

        return reaction
