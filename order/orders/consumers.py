"""Events of souk.payment.v1 -> use cases. The domain decides which of them still apply."""

from typing import Any
from uuid import UUID

from souk.payment.v1 import events_pb2 as pb

from kit.db import Transaction
from kit.events import Event, PreparedHandler, Subscription
from kit.values import ORDER, money_from_proto
from order.orders.ports import StockState
from order.orders.use_cases import Orders


class PaymentEvents:
    """Reactions to souk.payment.v1."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def subscription(self) -> Subscription:
        """The reaction to each event type."""
        return Subscription(
            "souk.payment.v1",
            {
                pb.PaymentSucceeded: PreparedHandler(prepare=self.commit_stock, apply=self.payment_succeeded),
                pb.PaymentFailed: self.payment_failed,
                pb.PaymentRefunded: self.payment_refunded,
            },
        )

    async def commit_stock(self, event: Event[pb.PaymentSucceeded]) -> StockState:
        """Calls the catalog before the transaction is opened."""
        return await self._orders.commit_stock(_order_id(event))

    async def payment_succeeded(
        self, tx: Transaction, event: Event[pb.PaymentSucceeded], stock: StockState
    ) -> None:
        """`stock` is the result of `commit_stock`."""
        await self._orders.payment_succeeded(tx, _order_id(event), stock)

    async def payment_failed(self, tx: Transaction, event: Event[pb.PaymentFailed]) -> None:
        """Passes on the failure code."""
        await self._orders.payment_failed(tx, _order_id(event), event.body.payment.failure_code)

    async def payment_refunded(self, tx: Transaction, event: Event[pb.PaymentRefunded]) -> None:
        """Passes on the sum of all refunds so far."""
        refunded = money_from_proto(event.body.payment.refunded)
        await self._orders.payment_refunded(tx, _order_id(event), refunded, event.body.refund.reason)


def _order_id(event: Event[Any]) -> UUID:
    return ORDER.parse(event.body.payment.order_id, "payment", "order_id")
