"""What starting a payment needs: its lease, and the worker's step."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from payment.payments.domain import Payment


class StartStore(Protocol):
    """Payments that are due to be processed."""

    async def claim_payment(self, payment_id: UUID, now: datetime, lease: datetime) -> Payment | None:
        """Leases an open payment until `lease` if it is due; None if it is not, or a worker has it."""


class Charges(Protocol):
    """`charges.use_cases.Charges`."""

    def may_call_provider(self) -> bool:
        """Whether a call to the provider may start now."""

    async def advance(self, payment: Payment) -> None:
        """Takes a leased payment as far as possible; raises LeaseLost."""
