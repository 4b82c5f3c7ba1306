"""What refunding needs: a store of refunds and a provider."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from payment.payments.domain import Payment
from payment.payments.refund import ProviderRefund, Refund


class RefundStore(Protocol):
    """Refunds of payments."""

    async def lock_refund(self, tx: Transaction, refund_id: UUID) -> Refund | None:
        """The refund with an id; locks the id until the transaction ends, even if there is no refund yet."""

    async def lock_by_refund(self, tx: Transaction, provider_id: str) -> Payment | None:
        """The payment whose refund has an id at the provider, locked until the transaction ends."""

    async def claim_refunds(self, now: datetime, lease: datetime, limit: int) -> Sequence[Refund]:
        """Leases pending refunds that are due until `lease`."""


class RefundProvider(Protocol):
    """Makes refunds. Calls raise ProviderUnavailable (repeat with the same key) or ProviderFailed (read the state first)."""

    def available_permits(self, limit: int) -> int:
        """How many of `limit` calls may start now; 0 while the provider is down."""

    async def refund(self, payment: Payment, refund: Refund) -> ProviderRefund:
        """Makes a refund."""

    async def read_refund(self, payment: Payment, refund: Refund) -> ProviderRefund | None:
        """The state of a refund that was requested before; None if the provider has none."""
