"""What payments need: a store. With an `owner`, only that account's payments are returned."""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from payment.payments.domain import Payment


class PaymentStore(Protocol):
    """Payments with their refunds."""

    async def add(self, tx: Transaction, payments: Sequence[Payment]) -> set[UUID]:
        """Writes the payments of orders that have none; returns the ids that were written."""

    async def lock(self, tx: Transaction, payment_id: UUID) -> Payment | None:
        """A payment, locked until the transaction ends."""

    async def lock_many(self, tx: Transaction, ids: Collection[UUID]) -> list[Payment]:
        """Payments by id, locked until the transaction ends."""

    async def lock_by_orders(self, tx: Transaction, order_ids: Sequence[UUID]) -> list[Payment]:
        """The payments of orders, locked until the transaction ends."""

    async def lock_by_intent(self, tx: Transaction, provider_id: str) -> Payment | None:
        """The payment with an intent of the provider, locked until the transaction ends."""

    async def save(self, tx: Transaction, *payments: Payment) -> None:
        """Writes changed payments, their refunds and the resulting ledger entries."""

    async def get_many(self, ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        """Payments by id."""

    async def find_by_orders(self, order_ids: Sequence[UUID], owner: UUID | None) -> list[Payment]:
        """Payments by order."""
