"""What customers need: a store and a provider."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from payment.customers.domain import Customer


class CustomerStore(Protocol):
    """Accounts at the provider."""

    async def find_customer(self, account_id: UUID) -> Customer | None:
        """The row of an account."""

    async def save_customer(self, account_id: UUID, provider_id: str, now: datetime) -> None:
        """Writes an account's id at the provider. Of an account that was deleted in the meantime, it becomes due to be deleted there."""

    async def close_accounts(self, tx: Transaction, account_ids: Sequence[UUID], now: datetime) -> None:
        """Deletes the methods of accounts, and makes their customers due to be deleted at the provider."""

    async def claim_customers(self, now: datetime, lease: datetime, limit: int) -> Sequence[Customer]:
        """Leases customers that are to be deleted until `lease`."""

    async def customer_deleted(self, customer: Customer, due_time: datetime | None) -> None:
        """The provider has deleted it; or, with `due_time`, it is tried again then. Nothing if the lease was lost."""


class CustomerProvider(Protocol):
    """Customers at the provider. Calls raise ProviderUnavailable or ProviderFailed, and may then be repeated."""

    def available_permits(self, limit: int) -> int:
        """How many of `limit` calls may start now; 0 while the provider is down."""

    async def create_customer(self, account_id: UUID) -> str:
        """The id of an account's customer."""

    async def delete_customer(self, customer_id: str) -> None:
        """Deletes a customer with its cards; one that does not exist is deleted."""
