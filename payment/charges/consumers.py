"""Events of souk.order.v1 -> charges."""

from collections.abc import Sequence

from souk.order.v1 import events_pb2 as pb
from souk.order.v1 import order_pb2

from kit.db import Transaction
from kit.events import BatchHandler, Event, Subscription
from kit.values import ACCOUNT, ORDER, money_from_proto, timestamp_from_proto
from payment.charges.orders import CancelledOrder, OrderCharges, PlacedOrder
from payment.intents.domain import Confirmation

_CONFIRMATIONS = {order_pb2.PAYMENT_CONFIRMATION_CLIENT: Confirmation.CLIENT}


class OrderEvents:
    """Reactions to souk.order.v1."""

    def __init__(self, charges: OrderCharges) -> None:
        self._charges = charges

    def subscription(self) -> Subscription:
        """The reaction to each event type; both handle batches."""
        return Subscription(
            "souk.order.v1",
            {
                pb.OrderPlaced: BatchHandler(self.orders_placed),
                pb.OrderCancelled: BatchHandler(self.orders_cancelled),
            },
        )

    async def orders_placed(self, tx: Transaction, events: Sequence[Event[pb.OrderPlaced]]) -> None:
        """Creates payments."""
        await self._charges.orders_placed(tx, [_placed(event.body) for event in events])

    async def orders_cancelled(self, tx: Transaction, events: Sequence[Event[pb.OrderCancelled]]) -> None:
        """Cancels or refunds payments."""
        await self._charges.orders_cancelled(tx, [_cancelled(event.body) for event in events])


def _placed(body: pb.OrderPlaced) -> PlacedOrder:
    return PlacedOrder(
        ORDER.parse(body.order.id, "order", "id"),
        ACCOUNT.parse(body.order.account_id, "order", "account_id"),
        money_from_proto(body.order.total, "order", "total"),
        body.payment_method,
        timestamp_from_proto(body.pay_before),
        _CONFIRMATIONS.get(body.confirmation, Confirmation.SERVER),
        body.save_method,
    )


def _cancelled(body: pb.OrderCancelled) -> CancelledOrder:
    return CancelledOrder(
        ORDER.parse(body.order.id, "order", "id"),
        ACCOUNT.parse(body.order.account_id, "order", "account_id"),
        money_from_proto(body.order.total, "order", "total"),
    )
