"""Stripe through its official SDK: our operations -> payment intents and refunds, its answers and errors -> ours.

An intent is made without a payment method and confirmed with it, so that whatever is wrong with the method is an answer about an intent
that is known, and can be cancelled.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import orjson
import stripe

from kit.telemetry import get_logger, span
from kit.values import CURRENCIES, ORDER, PAYMENT, REFUND, IdKind, Money
from payment.circuit import Circuit
from payment.domain import Intent, IntentStatus, Payment
from payment.errors import BadSignature, NoEvent, ProviderFailed, ProviderRefused, ProviderUnavailable
from payment.metrics import PROVIDER_REJECTIONS
from payment.ports import Hint
from payment.refund_domain import ProviderRefund, Refund

log = get_logger(__name__)

T = TypeVar("T")

# Of the provider's own events, as the inbox knows them.
_EVENT = IdKind("evt")
_TIMEOUT_SECONDS = 8.0
_TOLERANCE_SECONDS = 300
_STATUSES: Final = {
    "requires_payment_method": IntentStatus.READY,
    "requires_confirmation": IntentStatus.READY,
    "requires_action": IntentStatus.REQUIRES_ACTION,
    "processing": IntentStatus.PROCESSING,
    "succeeded": IntentStatus.SUCCEEDED,
    "canceled": IntentStatus.CANCELLED,
}
_CODES: Final = {
    "insufficient_funds": "insufficient_funds",
    "authentication_required": "authentication_required",
    "payment_intent_authentication_failure": "authentication_required",
    "processing_error": "processing_error",
    "payment_method_provider_decline": "card_declined",
}
# Refusals of refunds that may end: our balance at the provider is too low, or a lock on the charge.
_PASSING: Final = frozenset({"balance_insufficient", "insufficient_funds", "lock_timeout"})
# Invalid requests that say nothing of the charge: our account or our settings are not right.
_OUR_FAULT: Final = frozenset(
    {
        "account_invalid",
        "api_key_expired",
        "livemode_mismatch",
        "platform_api_key_expired",
        "secret_key_required",
        "testmode_charges_only",
        "tls_version_unsupported",
        "url_invalid",
    }
)
# It does so when the intent is where a repeated call would have brought it; reading it back tells.
_UNEXPECTED_STATE = "payment_intent_unexpected_state"


class Stripe:
    """`ports.Provider`; a resource."""

    name = "stripe"

    def __init__(
        self, *, api_key: str, base_url: str, webhook_secret: str, shop_url: str, circuit: Circuit
    ) -> None:
        self._http: Any = stripe.HTTPXClient(timeout=_TIMEOUT_SECONDS)
        self._client = stripe.StripeClient(
            api_key,
            base_addresses={"api": base_url.rstrip("/")},
            http_client=self._http,
            # When to repeat is ours to say: after a failure the intent is read back first.
            max_network_retries=0,
        )
        self._webhook_secret = webhook_secret
        self._shop_url = shop_url.rstrip("/")
        self._circuit = circuit

    async def open(self) -> None:
        """Nothing: connections are made when needed."""

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.close_async()

    async def ping(self) -> None:
        """Nothing is asked of the provider: it being away makes nobody unready."""

    def takes(self, limit: int) -> int:
        """As its circuit says."""
        return self._circuit.takes(limit)

    async def create(self, payment: Payment) -> Intent:
        """Keyed, so the same intent whenever it is repeated; after a day another one, which charges nothing unless it is confirmed."""
        params: Any = {
            "amount": _provider_amount(payment.amount),
            "currency": payment.amount.currency.lower(),
            "metadata": {
                "order_id": ORDER.format(payment.order_id),
                "payment_id": PAYMENT.format(payment.id),
            },
            "payment_method_types": _methods(payment.amount.currency),
        }
        options: Any = {"idempotency_key": payment.key("create")}
        try:
            return _intent(await self._call("create", lambda: self._intents.create_async(params, options)))
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            raise ProviderRefused(error.code or "invalid") from error

    async def confirm(self, payment: Payment) -> Intent:
        """Keyed; an intent that has moved on is answered as it is."""
        # Without a way back, a bank that wants to see the buyer is only reached by the provider's own script.
        params: Any = {
            "payment_method": payment.payment_method,
            "return_url": f"{self._shop_url}/orders/{ORDER.format(payment.order_id)}",
        }
        options: Any = {"idempotency_key": payment.key("confirm")}
        try:
            return _intent(
                await self._call(
                    "confirm", lambda: self._intents.confirm_async(payment.provider_id, params, options)
                )
            )
        except stripe.CardError as error:
            return Intent(payment.provider_id, IntentStatus.DECLINED, _failure_code(error.error))
        except stripe.InvalidRequestError as error:
            if error.code == _UNEXPECTED_STATE:
                return await self.retrieve(payment)
            # The method cannot be charged at all: unknown, of another account, or none was given.
            log.info(
                "payment.method_refused", payment_id=PAYMENT.format(payment.id), code=error.code or "invalid"
            )
            return Intent(payment.provider_id, IntentStatus.DECLINED, "processing_error")

    async def retrieve(self, payment: Payment) -> Intent:
        """Changes nothing."""
        return _intent(
            await self._read("retrieve", lambda: self._intents.retrieve_async(payment.provider_id))
        )

    async def cancel(self, payment: Payment) -> Intent:
        """Keyed; an intent that cannot be cancelled any more is answered as it is."""
        options: Any = {"idempotency_key": payment.key("cancel")}
        try:
            return _intent(
                await self._call(
                    "cancel", lambda: self._intents.cancel_async(payment.provider_id, {}, options)
                )
            )
        except stripe.InvalidRequestError as error:
            if error.code == _UNEXPECTED_STATE:
                return await self.retrieve(payment)
            raise _rejected("cancel", error) from error

    async def refund(self, payment: Payment, refund: Refund) -> ProviderRefund:
        """Keyed by the refund."""
        params: Any = {
            "payment_intent": payment.provider_id,
            "amount": _provider_amount(refund.amount),
            "metadata": {"refund_id": REFUND.format(refund.id)},
        }
        options: Any = {"idempotency_key": refund.key()}
        try:
            answer = await self._call("refund", lambda: self._refunds.create_async(params, options))
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            log.warning("refund.refused", refund_id=REFUND.format(refund.id), code=error.code or "invalid")
            return ProviderRefund("", done=False, refused=True, final=error.code not in _PASSING)
        return _refund(answer)

    async def read_refund(self, payment: Payment, refund: Refund) -> ProviderRefund | None:
        """By its id where that is known, else among the intent's by what it was marked with."""
        if refund.provider_id:
            return _refund(
                await self._read("refund", lambda: self._refunds.retrieve_async(refund.provider_id))
            )
        return await self._read("refunds", lambda: self._marked_refund(payment, REFUND.format(refund.id)))

    async def _marked_refund(self, payment: Payment, refund_id: str) -> ProviderRefund | None:
        params: Any = {"payment_intent": payment.provider_id, "limit": 100}
        page = await self._refunds.list_async(params)
        async for found in page.auto_paging_iter():
            known = _refund(found)
            # One that was refused is no answer: another is to be made.
            if getattr(found.metadata, "refund_id", "") == refund_id and not known.refused:
                return known
        return None

    def hint(self, body: bytes, signature: str) -> Hint:
        """What a webhook is about; raises BadSignature unless the provider signed it lately, NoEvent when it is none."""
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._webhook_secret, _TOLERANCE_SECONDS)
            event = orjson.loads(body)
        except stripe.SignatureVerificationError as error:
            raise BadSignature() from error
        except ValueError as error:
            raise NoEvent() from error
        match event:
            case {"id": str(told), "data": {"object": {"object": "payment_intent", "id": str(changed)}}}:
                return Hint(_EVENT.derive("stripe", told), intent_id=changed)
            case {"id": str(told), "data": {"object": {"object": "refund", "id": str(changed), **refund}}}:
                return Hint(
                    _EVENT.derive("stripe", told), refund_id=changed, failed=refund.get("status") == "failed"
                )
            case {"id": str(told), "data": {"object": {}}}:
                return Hint(_EVENT.derive("stripe", told))
        raise NoEvent()

    @property
    def _intents(self) -> Any:
        return self._client.v1.payment_intents

    @property
    def _refunds(self) -> Any:
        return self._client.v1.refunds

    async def _call(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        """Raises ProviderUnavailable and ProviderFailed; what is an answer about the charge passes (CardError, InvalidRequestError)."""
        try:
            with self._circuit.passing(), span(f"stripe {operation}"):
                return await call()
        except stripe.CardError:
            raise
        except stripe.InvalidRequestError as error:
            if error.http_status == 404 or error.code in _OUR_FAULT:
                raise _rejected(operation, error) from error
            raise
        except stripe.IdempotencyError as error:
            # The key was used with other parameters, those of an earlier release or setting: what it did is read back first.
            raise ProviderFailed() from error
        except stripe.StripeError as error:
            status = error.http_status or 0
            if status >= 500:
                raise ProviderFailed() from error
            if status not in (0, 409, 429):
                raise _rejected(operation, error) from error
            raise ProviderUnavailable() from error

    async def _read(self, operation: str, call: Callable[[], Awaitable[T]]) -> T:
        """The same for what only looks: there is no answer that it may be refused with."""
        try:
            return await self._call(operation, call)
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            raise _rejected(operation, error) from error


def _rejected(operation: str, error: stripe.StripeError) -> ProviderUnavailable:
    """A wrong key, no permission, ids of another account: orders wait and are tried again, and an alert calls for people."""
    log.error("provider.rejected", operation=operation, status=error.http_status, code=error.code)
    PROVIDER_REJECTIONS.labels(operation).inc()
    return ProviderUnavailable()


def is_down(error: Exception) -> bool:
    """Whether a call's failure says that the provider is not there, or not well; a refusal, or being busy, is an answer."""
    status = getattr(error, "http_status", None) or 0
    return isinstance(error, stripe.StripeError) and (status == 0 or status >= 500)


def _intent(found: Any) -> Intent:
    status = _STATUSES.get(found.status, IntentStatus.PROCESSING)
    code = ""
    if found.status == "requires_payment_method" and found.last_payment_error:
        status, code = IntentStatus.DECLINED, _failure_code(found.last_payment_error)
    url = ""
    if status is IntentStatus.REQUIRES_ACTION and found.next_action:
        redirect = getattr(found.next_action, "redirect_to_url", None)
        url = redirect.url if redirect else ""
    return Intent(found.id, status, code, url)


def _refund(found: Any) -> ProviderRefund:
    return ProviderRefund(
        found.id, done=found.status == "succeeded", refused=found.status in ("failed", "canceled")
    )


def _methods(currency: str) -> list[str]:
    """An intent is refused when it names a kind that its currency does not have."""
    return ["card", "us_bank_account"] if currency == "USD" else ["card"]


def _failure_code(error: Any) -> str:
    """One of the public API's four."""
    for name in ("decline_code", "code"):
        if (code := getattr(error, name, None)) in _CODES:
            return _CODES[code]
    return "card_declined"


def _provider_amount(money: Money) -> int:
    """In the unit that the provider counts the currency in, which is not ISO's for a few."""
    currency = CURRENCIES[money.currency]
    return money.minor * int(10 ** (currency.provider_exponent - currency.exponent))
