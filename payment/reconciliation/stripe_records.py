"""Stripe's lists of payment intents and refunds. What is not ours names no payment, and is left out."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Any, Final

from kit.errors import InvalidArgument
from kit.values import ACCOUNT, CURRENCIES, ORDER, PAYMENT, REFUND, Backoff, Money
from payment.intents.domain import Intent
from payment.provider.errors import ProviderFailed, ProviderUnavailable
from payment.provider.stripe_api import StripeApi
from payment.provider.stripe_client import intent_status, refund_state
from payment.reconciliation.domain import MadeRefund, ProviderCharge

_RETRIES: Final = 5


class StripeRecords:
    """`ports.ProviderRecords`."""

    def __init__(self, api: StripeApi, page_size: int = 100) -> None:
        self._api = api
        self._page_size = page_size

    async def charges(self, since: datetime) -> AsyncIterator[ProviderCharge]:
        """Newest first."""
        async for resource in self._list("charges", self._api.v1.payment_intents, since):
            if (charge := _charge(resource)) is not None:
                yield charge

    async def refunds(self, since: datetime) -> AsyncIterator[MadeRefund]:
        """Newest first."""
        async for resource in self._list("refunds", self._api.v1.refunds, since):
            if (refund := _refund(resource)) is not None:
                yield refund

    async def _list(self, operation: str, resources: Any, since: datetime) -> AsyncIterator[Any]:
        """All pages: Stripe continues after the last id of a page."""
        params: Any = {"created": {"gte": int(since.timestamp())}, "limit": self._page_size}
        more = True
        while more:
            query = dict(params)
            page = await self._read(operation, lambda: resources.list_async(query))  # noqa: B023 - awaited at once
            for resource in page.data:
                yield resource
                params["starting_after"] = resource.id
            more = bool(page.has_more and page.data)

    async def _read(self, operation: str, call: Callable[[], Awaitable[Any]]) -> Any:
        """Several times: an operator waits for the whole list."""
        backoff = Backoff()
        for _ in range(_RETRIES):
            try:
                return await self._api.read(operation, call)
            except (ProviderUnavailable, ProviderFailed):
                await asyncio.sleep(backoff.next())
        return await self._api.read(operation, call)


def _charge(resource: Any) -> ProviderCharge | None:
    metadata = resource.metadata or {}
    order_id, payment_id = getattr(metadata, "order_id", ""), getattr(metadata, "payment_id", "")
    account_id = getattr(metadata, "account_id", "")
    if (amount := _amount(resource)) is None or not order_id or not payment_id:
        return None
    status, code = intent_status(resource)
    try:
        return ProviderCharge(
            Intent(resource.id, status, code),
            PAYMENT.parse(payment_id, "payment_id"),
            ORDER.parse(order_id, "order_id"),
            ACCOUNT.parse(account_id, "account_id") if account_id else None,
            amount,
        )
    except InvalidArgument:  # another application of the same Stripe account
        return None


def _refund(resource: Any) -> MadeRefund | None:
    refund_id = getattr(resource.metadata or {}, "refund_id", "")
    if (amount := _amount(resource)) is None or not refund_id:
        return None
    try:
        own_id = REFUND.parse(refund_id, "refund_id")
    except InvalidArgument:
        return None
    return MadeRefund(own_id, resource.payment_intent, amount, refund_state(resource))


def _amount(resource: Any) -> Money | None:
    """In our minor units; None for a currency that the shop does not have."""
    currency = CURRENCIES.get(str(resource.currency).upper())
    if currency is None:
        return None
    return Money(
        resource.amount // int(10 ** (currency.provider_exponent - currency.exponent)), currency.code
    )
