"""What orders tell: their facts -> use cases. Nothing is charged here."""

from collections.abc import Sequence

from souk.order.v1 import events_pb2 as pb

from kit.db import Transaction
from kit.events import BatchHandler, Event, Subscription
from kit.values import ACCOUNT, ORDER, money_from_proto, timestamp_from_proto
from payment.use_cases import CancelledOrder, Payments, PlacedOrder


class OrderEvents:
    """Reactions to souk.order.v1."""

    def __init__(self, payments: Payments) -> None:
        self._payments = payments

    def subscription(self) -> Subscription:
        """Which reaction belongs to which fact."""
        return Subscription(
            "souk.order.v1",
            {
                pb.OrderPlaced: BatchHandler(self.orders_placed),
                pb.OrderCancelled: BatchHandler(self.orders_cancelled),
            },
        )

    async def orders_placed(self, tx: Transaction, events: Sequence[Event[pb.OrderPlaced]]) -> None:
        """OrderPlaced."""
        await self._payments.orders_placed(tx, [_placed(event.body) for event in events])

    async def orders_cancelled(self, tx: Transaction, events: Sequence[Event[pb.OrderCancelled]]) -> None:
        """OrderCancelled."""
        await self._payments.orders_cancelled(tx, [_cancelled(event.body) for event in events])


def _placed(fact: pb.OrderPlaced) -> PlacedOrder:
    return PlacedOrder(
        ORDER.parse(fact.order.id, "order", "id"),
        ACCOUNT.parse(fact.order.account_id, "order", "account_id"),
        money_from_proto(fact.order.total, "order", "total"),
        fact.payment_method,
        timestamp_from_proto(fact.pay_before),
    )


def _cancelled(fact: pb.OrderCancelled) -> CancelledOrder:
    return CancelledOrder(
        ORDER.parse(fact.order.id, "order", "id"),
        ACCOUNT.parse(fact.order.account_id, "order", "account_id"),
        money_from_proto(fact.order.total, "order", "total"),
    )
