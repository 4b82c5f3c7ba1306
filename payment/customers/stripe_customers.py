"""Stripe through its official SDK: customers."""

from typing import Any
from uuid import UUID

from kit.values import ACCOUNT
from payment.provider.stripe_api import StripeApi


class StripeCustomers:
    """`ports.CustomerProvider`."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def available_permits(self, limit: int) -> int:
        """How many of `limit` calls the circuit permits."""
        return self._api.available_permits(limit)

    async def create_customer(self, account_id: UUID) -> str:
        """Without personal data: Stripe needs none to charge a card again."""
        identity = ACCOUNT.format(account_id)
        params: Any = {"metadata": {"account_id": identity}}
        options: Any = {"idempotency_key": f"{identity}:customer"}
        created = await self._api.read(
            "customer", lambda: self._api.v1.customers.create_async(params, options)
        )
        return str(created.id)

    async def delete_customer(self, customer_id: str) -> None:
        """Stripe detaches the customer's cards with it."""
        await self._api.forget("delete_customer", lambda: self._api.v1.customers.delete_async(customer_id))
