"""What payment and account tell: their facts -> use cases. Which of them still mean something is the domain's business."""

from typing import Any
from uuid import UUID

from souk.account.v1 import events_pb2 as account
from souk.payment.v1 import events_pb2 as pb

from kit.db import Transaction
from kit.events import Event, PreparedHandler, Subscription
from kit.values import ACCOUNT, ORDER, money_from_proto
from order.ports import StockState
from order.use_cases import Orders


class PaymentEvents:
    """Reactions to souk.payment.v1."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def subscription(self) -> Subscription:
        """Which reaction belongs to which fact."""
        return Subscription(
            "souk.payment.v1",
            {
                pb.PaymentSucceeded: PreparedHandler(prepare=self.commit_stock, apply=self.payment_succeeded),
                pb.PaymentFailed: self.payment_failed,
                pb.PaymentRefunded: self.payment_refunded,
            },
        )

    async def commit_stock(self, event: Event[pb.PaymentSucceeded]) -> StockState:
        """Asks the catalog before the transaction is opened."""
        return await self._orders.commit_stock(_order_id(event))

    async def payment_succeeded(
        self, tx: Transaction, event: Event[pb.PaymentSucceeded], stock: StockState
    ) -> None:
        """PaymentSucceeded."""
        await self._orders.payment_succeeded(tx, _order_id(event), stock)

    async def payment_failed(self, tx: Transaction, event: Event[pb.PaymentFailed]) -> None:
        """PaymentFailed."""
        await self._orders.payment_failed(tx, _order_id(event), event.body.payment.failure_code)

    async def payment_refunded(self, tx: Transaction, event: Event[pb.PaymentRefunded]) -> None:
        """PaymentRefunded."""
        refunded = money_from_proto(event.body.payment.refunded)
        await self._orders.payment_refunded(tx, _order_id(event), refunded, event.body.refund.reason)


class AccountEvents:
    """Reactions to souk.account.v1."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders

    def subscription(self) -> Subscription:
        """Which reaction belongs to which fact."""
        return Subscription("souk.account.v1", {account.AccountDeleted: self.account_deleted})

    async def account_deleted(self, tx: Transaction, event: Event[account.AccountDeleted]) -> None:
        """AccountDeleted."""
        await self._orders.account_deleted(tx, ACCOUNT.parse(event.body.account_id, "account_id"))


def _order_id(event: Event[Any]) -> UUID:
    return ORDER.parse(event.body.payment.order_id, "payment", "order_id")
