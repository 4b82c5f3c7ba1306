"""Accounts at the provider: made when they are first needed, deleted with the account."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from kit.db import Transaction
from kit.telemetry import get_logger
from kit.values import ACCOUNT, Clock
from payment.customers.domain import Customer
from payment.customers.ports import CustomerProvider, CustomerStore
from payment.leases.domain import LEASE
from payment.provider.errors import ProviderFailed, ProviderUnavailable

log = get_logger(__name__)

_RETRY: Final = timedelta(seconds=30)


class Customers:
    """Customers at the provider."""

    def __init__(self, store: CustomerStore, provider: CustomerProvider, *, clock: Clock) -> None:
        self._store = store
        self._provider = provider
        self._clock = clock

    async def ensure(self, account_id: UUID) -> str:
        """The account's id at the provider; empty for a deleted account."""
        customer = await self._store.find_customer(account_id)
        if customer is None:
            # Two callers use one key, so both get the same customer.
            provider_id = await self._provider.create_customer(account_id)
            await self._store.save_customer(account_id, provider_id, self._clock())
            customer = await self._store.find_customer(account_id)
        return "" if customer is None or customer.is_deleted else customer.provider_id

    async def accounts_deleted(self, tx: Transaction, account_ids: Sequence[UUID]) -> None:
        """Removes what is saved; workers have the provider remove the rest."""
        await self._store.close_accounts(tx, account_ids, self._clock())

    async def claim(self, limit: int) -> Sequence[Customer]:
        """Leases customers to delete; none while the provider is down."""
        now, limit = self._clock(), self._provider.available_permits(limit)
        return await self._store.claim_customers(now, now + LEASE, limit) if limit else []

    async def delete(self, customer: Customer) -> None:
        """Deletes a leased customer at the provider."""
        due_time = None
        try:
            await self._provider.delete_customer(customer.provider_id)
        except (ProviderUnavailable, ProviderFailed) as error:
            log.warning(
                "customer.deferred", account_id=ACCOUNT.format(customer.account_id), reason=error.reason
            )
            due_time = self._clock() + _RETRY
        await self._store.customer_deleted(customer, due_time)
