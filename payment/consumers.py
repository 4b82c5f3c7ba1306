"""What orders tell: their facts -> use cases. Nothing is charged here."""

from souk.order.v1 import events_pb2 as pb

from kit.db import Transaction
from kit.events import Event, Subscription
from kit.values import ACCOUNT, ORDER, money_from_proto, timestamp
from payment.use_cases import Payments


class OrderEvents:
    """Reactions to souk.order.v1."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    def subscription(self) -> Subscription:
        """Which reaction belongs to which fact."""
        return Subscription(
            "souk.order.v1",
            {pb.OrderPlaced: self.order_placed, pb.OrderCancelled: self.order_cancelled},
        )

    async def order_placed(self, tx: Transaction, event: Event[pb.OrderPlaced]) -> None:
        """OrderPlaced."""
        order = event.body.order
        await self._payments.order_placed(
            tx,
            ORDER.parse(order.id, "order", "id"),
            ACCOUNT.parse(order.account_id, "order", "account_id"),
            money_from_proto(order.total, "order", "total"),
            event.body.payment_method,
            timestamp(event.body.pay_before),
        )

    async def order_cancelled(self, tx: Transaction, event: Event[pb.OrderCancelled]) -> None:
        """OrderCancelled."""
        order = event.body.order
        await self._payments.order_cancelled(
            tx,
            ORDER.parse(order.id, "order", "id"),
            ACCOUNT.parse(order.account_id, "order", "account_id"),
            money_from_proto(order.total, "order", "total"),
        )
