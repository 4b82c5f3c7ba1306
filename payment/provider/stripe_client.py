"""Stripe through its official SDK: operations -> payment intents and refunds, responses and errors -> domain.

An intent is created first and confirmed with the payment method second: a bad method then fails an intent whose id is already stored.
"""

from dataclasses import replace
from typing import Any, Final

import stripe

from kit.auth import Sealer
from kit.telemetry import get_logger
from kit.values import ACCOUNT, CURRENCIES, ORDER, PAYMENT, REFUND, Money
from payment.intents.domain import Intent, IntentStatus
from payment.payments.domain import Payment
from payment.payments.refund import ProviderRefund, Refund
from payment.provider.circuit import Circuit
from payment.provider.errors import ProviderRejected
from payment.provider.stripe_api import StripeApi

log = get_logger(__name__)

_STATUSES: Final = {
    "requires_payment_method": IntentStatus.READY,
    "requires_confirmation": IntentStatus.READY,
    "requires_action": IntentStatus.REQUIRES_ACTION,
    "processing": IntentStatus.PROCESSING,
    "succeeded": IntentStatus.SUCCEEDED,
    "canceled": IntentStatus.CANCELLED,
}
_FAILURE_CODES: Final = {
    "insufficient_funds": "insufficient_funds",
    "authentication_required": "authentication_required",
    "payment_intent_authentication_failure": "authentication_required",
    "processing_error": "processing_error",
    "payment_method_provider_decline": "card_declined",
}
# Errors of refunds that may go away: our Stripe balance is too low, or the charge is locked.
_RETRYABLE_REFUND_ERRORS: Final = frozenset({"balance_insufficient", "insufficient_funds", "lock_timeout"})
# Stripe returns this when an earlier attempt of the same call was already applied; the intent is read again.
_UNEXPECTED_STATE = "payment_intent_unexpected_state"


class Stripe(StripeApi):
    """`charges.ports.ChargeProvider` and `refunds.ports.RefundProvider`; a resource."""

    def __init__(
        self, *, api_key: str, base_url: str, shop_url: str, circuit: Circuit, sealer: Sealer
    ) -> None:
        super().__init__(api_key=api_key, base_url=base_url, circuit=circuit)
        self._shop_url = shop_url.rstrip("/")
        self._sealer = sealer

    async def create(self, payment: Payment, customer_id: str = "") -> Intent:
        """Idempotent for a day by its key. A retry after that creates another intent, which is harmless until it is confirmed."""
        params: Any = {
            "amount": _provider_amount(payment.amount),
            "currency": payment.amount.currency.lower(),
            "metadata": {
                "order_id": ORDER.format(payment.order_id),
                "payment_id": PAYMENT.format(payment.id),
                # For a payment whose row is lost (payment.reconciliation).
                "account_id": ACCOUNT.format(payment.account_id),
            },
            "payment_method_types": _method_types(payment),
        }
        if customer_id:
            params["customer"] = customer_id
            if payment.save_method:
                params["setup_future_usage"] = "off_session"
        options: Any = {"idempotency_key": payment.key("create")}
        try:
            created = await self.call("create", lambda: self._intents.create_async(params, options))
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            raise ProviderRejected(error.code or "invalid") from error
        return self._intent(payment, created)

    async def confirm(self, payment: Payment, card_id: str = "") -> Intent:
        """Idempotent by its key; an intent in a later state is returned as it is. `card_id`: a saved card, which the buyer pays with."""
        method = card_id or payment.payment_method
        if not method:
            # Stripe would answer as to an intent in a later state, and the payment would stay open until its deadline.
            return Intent(payment.provider_id, IntentStatus.DECLINED, "processing_error")
        # Without a return_url, only Stripe's own script can take the buyer to a bank that requires authentication.
        params: Any = {
            "payment_method": method,
            "return_url": f"{self._shop_url}/orders/{ORDER.format(payment.order_id)}",
        }
        options: Any = {"idempotency_key": payment.key("confirm")}
        try:
            confirmed = await self.call(
                "confirm", lambda: self._intents.confirm_async(payment.provider_id, params, options)
            )
        except stripe.CardError as error:
            return Intent(payment.provider_id, IntentStatus.DECLINED, _failure_code(error.error))
        except stripe.InvalidRequestError as error:
            if error.code == _UNEXPECTED_STATE:
                return await self.retrieve(payment)
            # The payment method cannot be charged: it is unknown or belongs to another account.
            log.info(
                "payment.method_rejected", payment_id=PAYMENT.format(payment.id), code=error.code or "invalid"
            )
            return Intent(payment.provider_id, IntentStatus.DECLINED, "processing_error")
        return self._intent(payment, confirmed)

    async def retrieve(self, payment: Payment) -> Intent:
        """Reads the intent, and the number of its declines if the page has tried to pay."""
        read = await self.read("retrieve", lambda: self._intents.retrieve_async(payment.provider_id))
        intent = self._intent(payment, read)
        if payment.is_confirmed_by_page and read.latest_charge:
            return replace(intent, declines=await self._count_declines(payment.provider_id))
        return intent

    async def _count_declines(self, intent_id: str) -> int:
        params: Any = {"payment_intent": intent_id, "limit": 100}
        page = await self.read("charges", lambda: self.v1.charges.list_async(params))
        return sum(charge.status == "failed" for charge in page.data)

    async def cancel(self, payment: Payment) -> Intent:
        """Idempotent by its key; an intent that can no longer be cancelled is returned as it is."""
        options: Any = {"idempotency_key": payment.key("cancel")}
        try:
            cancelled = await self.call(
                "cancel", lambda: self._intents.cancel_async(payment.provider_id, {}, options)
            )
        except stripe.InvalidRequestError as error:
            if error.code == _UNEXPECTED_STATE:
                return await self.retrieve(payment)
            raise self.rejected("cancel", error) from error
        return self._intent(payment, cancelled)

    async def refund(self, payment: Payment, refund: Refund) -> ProviderRefund:
        """Idempotent by the refund's key."""
        params: Any = {
            "payment_intent": payment.provider_id,
            "amount": _provider_amount(refund.amount),
            "metadata": {"refund_id": REFUND.format(refund.id)},
        }
        options: Any = {"idempotency_key": refund.key()}
        try:
            created = await self.call("refund", lambda: self._refunds.create_async(params, options))
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            log.warning("refund.rejected", refund_id=REFUND.format(refund.id), code=error.code or "invalid")
            final = error.code not in _RETRYABLE_REFUND_ERRORS
            return ProviderRefund("", done=False, rejected=True, final=final)
        return refund_state(created)

    async def read_refund(self, payment: Payment, refund: Refund) -> ProviderRefund | None:
        """By its id at Stripe, or else by our id in the metadata of the intent's refunds."""
        if refund.provider_id:
            return refund_state(
                await self.read("refund", lambda: self._refunds.retrieve_async(refund.provider_id))
            )
        return await self.read("refunds", lambda: self._find_refund_by_key(payment, REFUND.format(refund.id)))

    async def _find_refund_by_key(self, payment: Payment, refund_id: str) -> ProviderRefund | None:
        params: Any = {"payment_intent": payment.provider_id, "limit": 100}
        page = await self._refunds.list_async(params)
        async for candidate in page.auto_paging_iter():
            refund = refund_state(candidate)
            # A rejected one does not count: another has to be made.
            if getattr(candidate.metadata, "refund_id", "") == refund_id and not refund.rejected:
                return refund
        return None

    def _intent(self, payment: Payment, resource: Any) -> Intent:
        status, code = intent_status(resource)
        url = ""
        if status is IntentStatus.REQUIRES_ACTION and resource.next_action:
            redirect = getattr(resource.next_action, "redirect_to_url", None)
            url = redirect.url if redirect else ""
        # Sealed here, so that the secret itself is nowhere else: neither in the database nor in logs.
        secret = self._sealer.seal(resource.client_secret) if payment.is_confirmed_by_page else b""
        return Intent(resource.id, status, code, url, secret)

    @property
    def _intents(self) -> Any:
        return self.v1.payment_intents

    @property
    def _refunds(self) -> Any:
        return self.v1.refunds


def intent_status(resource: Any) -> tuple[IntentStatus, str]:
    """The status of an intent, and the failure code of one that was declined."""
    if resource.status == "requires_payment_method" and resource.last_payment_error:
        return IntentStatus.DECLINED, _failure_code(resource.last_payment_error)
    return _STATUSES.get(resource.status, IntentStatus.PROCESSING), ""


def refund_state(resource: Any) -> ProviderRefund:
    """The state of a refund."""
    return ProviderRefund(
        resource.id, done=resource.status == "succeeded", rejected=resource.status in ("failed", "canceled")
    )


def _method_types(payment: Payment) -> list[str]:
    """Stripe rejects an intent that names a method type which its currency does not support.

    A bank debit takes days, and a payment that the page confirms has minutes.
    """
    debit = payment.amount.currency == "USD" and not payment.is_confirmed_by_page
    return ["card", "us_bank_account"] if debit else ["card"]


def _failure_code(error: Any) -> str:
    """One of the public API's four failure codes."""
    for name in ("decline_code", "code"):
        if (code := getattr(error, name, None)) in _FAILURE_CODES:
            return _FAILURE_CODES[code]
    return "card_declined"


def _provider_amount(money: Money) -> int:
    """In Stripe's minor unit, which differs from ISO 4217 for a few currencies."""
    currency = CURRENCIES[money.currency]
    return money.minor * int(10 ** (currency.provider_exponent - currency.exponent))
