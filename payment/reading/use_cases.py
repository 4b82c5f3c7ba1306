"""Reading payments. Charging and refunding are `charges` and `refunds`."""

from collections.abc import Sequence
from uuid import UUID

from kit.auth import Principal
from payment.payments.domain import Payment
from payment.payments.errors import PaymentNotFound
from payment.payments.ports import PaymentStore


class Payments:
    """The caller's payments, or any payments for an ADMIN."""

    def __init__(self, store: PaymentStore) -> None:
        self._store = store

    async def get(self, caller: Principal, payment_id: UUID) -> Payment:
        """Raises PaymentNotFound."""
        payments = await self._store.get_many([payment_id], _owner(caller))
        if not payments:
            raise PaymentNotFound()
        return payments[0]

    async def find_by_orders(self, caller: Principal, order_ids: Sequence[UUID]) -> list[Payment]:
        """Orders without a payment, and of other accounts, are missing."""
        return await self._store.find_by_orders(order_ids, _owner(caller))


def _owner(caller: Principal) -> UUID | None:
    return None if caller.is_admin else caller.account_id
