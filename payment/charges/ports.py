"""What charging needs: a store of due payments and a provider."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from payment.intents.domain import Intent
from payment.payments.domain import Payment


class ChargeStore(Protocol):
    """Payments that are due to be processed."""

    async def claim_payments(self, now: datetime, lease: datetime, limit: int) -> list[Payment]:
        """Leases open payments that are due until `lease`, except those that `cancel_expired` cancels."""

    async def cancel_expired(self, now: datetime, limit: int) -> int:
        """Cancels due payments for which no charge was started and none may start any more; returns their number."""


class SavedMethods(Protocol):
    """`methods.use_cases.Methods`."""

    async def payments_placed(self, tx: Transaction, payments: Sequence[tuple[UUID, UUID]]) -> None:
        """What is charged for these (account, payment) is to be saved."""


class ChargeProvider(Protocol):
    """Charges payments. Calls raise ProviderUnavailable (repeat with the same key) or ProviderFailed (read the state first)."""

    def available_permits(self, limit: int) -> int:
        """How many of `limit` calls may start now; 0 while the provider is down."""

    async def create(self, payment: Payment) -> Intent:
        """Creates an intent, which does not charge yet; raises ProviderRejected if the provider will never accept it."""

    async def confirm(self, payment: Payment) -> Intent:
        """Charges, unless the intent is final."""

    async def retrieve(self, payment: Payment) -> Intent:
        """Reads the intent's state."""

    async def cancel(self, payment: Payment) -> Intent:
        """Cancels the intent so that it never charges; an intent that has charged is returned as it is."""
