"""Stripe through its official SDK: setup intents and cards -> domain."""

from dataclasses import replace
from typing import Any, Final

import stripe

from payment.methods.domain import ProviderCard, Setup, SetupStatus
from payment.provider.stripe_api import StripeApi

_STATUSES: Final = {"succeeded": SetupStatus.SUCCEEDED, "canceled": SetupStatus.CANCELLED}
_EXPANDED: Final = {"expand": ["payment_method"]}
_UNEXPECTED_STATE: Final = "setup_intent_unexpected_state"


class StripeCards:
    """`methods.ports.MethodProvider`."""

    def __init__(self, api: StripeApi) -> None:
        self._api = api

    def available_permits(self, limit: int) -> int:
        """How many of `limit` calls the circuit permits."""
        return self._api.available_permits(limit)

    async def create_setup(self, customer_id: str, key: str) -> Setup:
        """For cards, to be charged while the buyer is present or away."""
        params: Any = {"customer": customer_id, "payment_method_types": ["card"], "usage": "off_session"}
        options: Any = {"idempotency_key": f"setup:{key}"}
        return _setup(
            await self._api.read("setup", lambda: self._api.v1.setup_intents.create_async(params, options))
        )

    async def read_setup(self, setup_id: str) -> Setup:
        """With its card, and the number of its declines if the page has tried one."""
        params: Any = _EXPANDED
        resource = await self._api.read(
            "setup", lambda: self._api.v1.setup_intents.retrieve_async(setup_id, params)
        )
        setup = _setup(resource)
        if setup.status is SetupStatus.OPEN and resource.latest_attempt:
            return replace(setup, declines=await self._count_declines(setup_id))
        return setup

    async def _count_declines(self, setup_id: str) -> int:
        params: Any = {"setup_intent": setup_id, "limit": 100}
        page = await self._api.read("setup", lambda: self._api.v1.setup_attempts.list_async(params))
        return sum(attempt.status == "failed" for attempt in page.data)

    async def cancel_setup(self, setup_id: str) -> Setup:
        """A setup that the page confirmed in the meantime is returned as it is."""
        try:
            cancelled = await self._api.call(
                "setup", lambda: self._api.v1.setup_intents.cancel_async(setup_id)
            )
        except stripe.InvalidRequestError as error:
            if error.code == _UNEXPECTED_STATE:
                return await self.read_setup(setup_id)
            raise self._api.rejected("setup", error) from error
        return _setup(cancelled)

    async def charged_card(self, intent_id: str) -> ProviderCard | None:
        """The card of an intent that succeeded."""
        params: Any = _EXPANDED
        intent = await self._api.read(
            "retrieve", lambda: self._api.v1.payment_intents.retrieve_async(intent_id, params)
        )
        return _card(intent.payment_method)

    async def detach(self, card_id: str) -> None:
        """Stripe rejects a second detachment, which is as good."""
        if card_id:
            await self._api.forget("detach", lambda: self._api.v1.payment_methods.detach_async(card_id))


def _setup(resource: Any) -> Setup:
    status = _STATUSES.get(resource.status, SetupStatus.OPEN)
    card = _card(resource.payment_method) if status is SetupStatus.SUCCEEDED else None
    return Setup(resource.id, status, resource.client_secret, card)


def _card(resource: Any) -> ProviderCard | None:
    card = getattr(resource, "card", None)
    if card is None:
        return None
    return ProviderCard(
        resource.id, card.brand, card.last4, card.exp_month, card.exp_year, attached=bool(resource.customer)
    )
