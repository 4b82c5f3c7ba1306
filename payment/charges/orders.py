"""What orders require of payments. Runs in the inbox's transaction and calls no provider: workers find the due rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.db import Transaction
from kit.values import Clock, Money, looks_like_card_number
from payment.charges.ports import SavedMethods
from payment.intents.domain import Confirmation
from payment.payments.domain import Payment, PaymentSucceeded
from payment.payments.ports import PaymentStore


@dataclass(frozen=True, slots=True)
class PlacedOrder:
    """An order to charge; an empty `payment_method` means the deployment's default."""

    id: UUID
    account_id: UUID
    total: Money
    payment_method: str
    pay_before: datetime
    confirmation: Confirmation = Confirmation.SERVER
    save_method: bool = False


@dataclass(frozen=True, slots=True)
class CancelledOrder:
    """An order not to charge, or to refund."""

    id: UUID
    account_id: UUID
    total: Money


class OrderCharges:
    """Creates payments for placed orders, and cancels or refunds those of cancelled orders."""

    def __init__(
        self, store: PaymentStore, methods: SavedMethods, *, default_method: str, clock: Clock
    ) -> None:
        self._store = store
        self._methods = methods
        self._default_method = default_method
        self._clock = clock

    async def orders_placed(self, tx: Transaction, orders: Sequence[PlacedOrder]) -> None:
        """Orders that already have a payment are ignored. A total of zero is paid at once."""
        now = self._clock()
        payments = [self._payment(order, now) for order in orders]
        added = await self._store.add(tx, payments)
        saving = [(p.account_id, p.id) for p in payments if p.id in added and p.save_method]
        if saving:
            await self._methods.payments_placed(tx, saving)
        await tx.emit(*(PaymentSucceeded(p) for p in payments if p.id in added and not p.amount.minor))

    async def orders_cancelled(self, tx: Transaction, orders: Sequence[CancelledOrder]) -> None:
        """An order without a payment gets a cancelled one, so that a late OrderPlaced does not charge it."""
        now = self._clock()
        cancelled = [
            Payment.cancelled_before_charge(order.id, order.account_id, order.total, now) for order in orders
        ]
        added = await self._store.add(tx, cancelled)
        existing = [payment.order_id for payment in cancelled if payment.id not in added]
        if existing:
            payments = await self._store.lock_by_orders(tx, existing)
            for payment in payments:
                payment.cancel_for_order(now)
            await self._store.save(tx, *payments)

    def _payment(self, order: PlacedOrder, now: datetime) -> Payment:
        payment = Payment.for_order(
            order.id,
            order.account_id,
            order.total,
            self._method(order),
            order.pay_before,
            now,
            order.confirmation,
        )
        payment.save_method = order.save_method and bool(order.total.minor)
        return payment

    def _method(self, order: PlacedOrder) -> str:
        if order.confirmation is Confirmation.CLIENT:
            return ""
        # The order service rejects card numbers; in case one gets here, it is not stored. The provider declines this method as unknown.
        if looks_like_card_number(order.payment_method):
            return "card_number_refused"
        return order.payment_method or self._default_method
