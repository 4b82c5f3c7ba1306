"""Stripe's state machines of intents and refunds, and its errors. HTTP is in `server`, storage in `state`."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from dev.stripe_mock.errors import ApiError, invalid, unexpected_state
from dev.stripe_mock.faults import NextFault
from dev.stripe_mock.methods import Methods, kind_of
from dev.stripe_mock.outcomes import OUTCOMES, Outcome
from dev.stripe_mock.setups import Setups, next_action
from dev.stripe_mock.state import State

Object = dict[str, Any]
# Stripe charges these in steps of ten (docs.stripe.com/currencies#three-decimal).
_THREE_DECIMALS = ("bhd", "jod", "kwd", "omr", "tnd")
# These have no decimals, but Stripe counts two, which must be 00 (docs.stripe.com/currencies#special-cases).
_WHOLE = ("isk", "ugx")
# Stripe makes no charge when the buyer's authentication fails.
_AUTHENTICATION_FAILED = "payment_intent_authentication_failure"
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action", "processing")


class Provider:
    """The operations; each changes the state and returns the object. `base`: URL of the page where buyers authenticate."""

    def __init__(self, state: State, *, base: str, processing_seconds: float = 2.0) -> None:
        self._state = state
        self._base = base
        self._processing_seconds = processing_seconds
        self.next_refunds = NextFault()
        self.methods = Methods(state)
        self.setups = Setups(state, self.methods, base=base)

    def create_intent(self, params: Mapping[str, Any]) -> Object:
        """POST /v1/payment_intents."""
        amount = _amount(params.get("amount"), "amount", params.get("currency", ""))
        if not params.get("currency"):
            raise invalid("Missing required param: currency.", "currency", "parameter_missing")
        method = params.get("payment_method")
        if method is not None:
            self._outcome(method)
        if params.get("customer"):
            self.methods.customer(params["customer"])
        kinds = _kinds(params)
        identifier = f"pi_{secrets.token_hex(12)}"
        intent: Object = {
            "id": identifier,
            "object": "payment_intent",
            "client_secret": f"{identifier}_secret_{secrets.token_hex(12)}",
            "amount": amount,
            "amount_received": 0,
            "amount_capturable": 0,
            "currency": params["currency"].lower(),
            "created": int(time.time()),
            "metadata": params.get("metadata", {}),
            "description": params.get("description"),
            "customer": params.get("customer"),
            "setup_future_usage": params.get("setup_future_usage"),
            "payment_method": method,
            "payment_method_types": kinds,
            "confirmation_method": "automatic",
            "capture_method": "automatic",
            "livemode": False,
            "status": "requires_confirmation" if method else "requires_payment_method",
            "last_payment_error": None,
            "latest_charge": None,
            "charges": [],
            "next_action": None,
            "canceled_at": None,
            "cancellation_reason": None,
        }
        self._save(intent, "payment_intent.created")
        return self.confirm_intent(intent["id"], {}) if params.get("confirm") == "true" else intent

    def confirm_intent(self, intent_id: str, params: Mapping[str, Any]) -> Object:
        """POST /v1/payment_intents/ID/confirm; a decline is an ApiError that carries the intent."""
        intent = self.intent(intent_id)
        if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
            raise unexpected_state(intent, "confirm")
        method = self.methods.chosen(params) or intent["payment_method"]
        if method is None:
            raise unexpected_state(intent, "confirm")
        outcome = self._outcome(method)
        kind = kind_of(self.methods.token(method))
        if kind not in intent["payment_method_types"]:
            raise invalid(f"This PaymentIntent does not take {kind}.", "payment_method")
        self._require_customer(intent, method)
        intent.update(payment_method=method, last_payment_error=None)
        for name in ("customer", "setup_future_usage"):
            intent[name] = params.get(name) or intent.get(name)
        if outcome.status == "processing":
            intent["status"] = "processing"
            self._save(intent, "payment_intent.processing")
            if outcome.later:
                self._state.schedule_settlement(intent_id, time.time() + self._processing_seconds)
            return intent
        if outcome.status == "requires_action":
            intent["status"] = "requires_action"
            intent["next_action"] = next_action(self._base, intent_id, params.get("return_url"))
            self._save(intent, "payment_intent.requires_action")
            return intent
        return self._finish(intent, outcome.status, outcome)

    def cancel_intent(self, intent_id: str, params: Mapping[str, Any]) -> Object:
        """POST /v1/payment_intents/ID/cancel."""
        intent = self.intent(intent_id)
        if intent["status"] not in _OPEN or intent["status"] == "processing":
            raise unexpected_state(intent, "cancel")
        intent.update(status="canceled", canceled_at=int(time.time()), next_action=None)
        intent["cancellation_reason"] = params.get("cancellation_reason")
        self._save(intent, "payment_intent.canceled")
        return intent

    def intent(self, intent_id: str) -> Object:
        """GET /v1/payment_intents/ID."""
        return self._get("payment_intent", intent_id)

    def intents(self) -> list[Object]:
        """All intents, newest first."""
        return self._state.all("payment_intent")

    def authenticate(self, intent_id: str, *, passes: bool) -> Object:
        """The buyer authenticates at the URL of next_action."""
        intent = self.intent(intent_id)
        if intent["status"] != "requires_action":
            raise unexpected_state(intent, "authenticate")
        failed = Outcome(
            "",
            _AUTHENTICATION_FAILED,
            "authentication_required",
            later="requires_payment_method",
        )
        outcome = self._outcome(intent["payment_method"]) if passes else failed
        try:
            return self._finish(intent, outcome.later, outcome)
        except ApiError:
            return self.intent(intent_id)

    def settle(self, object_id: str) -> None:
        """Finishes a pending refund or a processing intent, as a bank does later."""
        if object_id.startswith("re_"):
            refund = self.refund(object_id)
            later = refund["later"]
            failed = {"failure_reason": "unknown"} if later == "failed" else {}
            event = "refund.failed" if later == "failed" else "refund.updated"
            self._save({**refund, "status": later, **failed}, event)
        else:
            self._settle_intent(self.intent(object_id))

    def _settle_intent(self, intent: Object) -> None:
        outcome = self._outcome(intent["payment_method"])
        if intent["status"] == "processing":
            try:
                self._finish(intent, outcome.later, outcome)
            except ApiError:
                return  # the webhook reports the decline

    def create_refund(self, params: Mapping[str, Any]) -> Object:
        """POST /v1/refunds; never more than was captured."""
        intent = self.intent(params.get("payment_intent", ""))
        if intent["status"] != "succeeded":
            raise unexpected_state(intent, "refund")
        outcome = self._outcome(intent["payment_method"])
        refunded = (r["amount"] for r in self.refunds(intent["id"]) if r["status"] != "failed")
        remaining = intent["amount_received"] - sum(refunded)
        amount = _amount(params["amount"], "amount", intent["currency"]) if "amount" in params else remaining
        if remaining == 0:
            raise invalid("The charge has already been refunded.", code="charge_already_refunded")
        if amount > remaining:
            raise invalid(
                f"Refund amount ({amount}) is greater than unrefunded amount on charge ({remaining})",
                "amount",
            )
        injected = self.next_refunds.take()
        refund: Object = {
            "id": f"re_{secrets.token_hex(12)}",
            "object": "refund",
            "amount": amount,
            "charge": intent["latest_charge"],
            "created": int(time.time()),
            "currency": intent["currency"],
            "metadata": params.get("metadata", {}),
            "payment_intent": intent["id"],
            "reason": params.get("reason"),
            "status": "pending" if injected else outcome.refund,
            "later": injected or outcome.refund_later,
        }
        self._save(refund, "refund.created")
        if refund["later"]:
            self._state.schedule_settlement(refund["id"], time.time() + self._processing_seconds)
        return refund

    def charges(self, intent_id: str) -> list[Object]:
        """GET /v1/charges: an intent's charges, newest first."""
        intent = self.intent(intent_id)
        return [
            {"object": "charge", "payment_intent": intent_id, **charge}
            for charge in intent.get("charges", [])
        ]

    def refunds(self, intent_id: str | None) -> list[Object]:
        """An intent's refunds, or all, newest first."""
        return [r for r in self._state.all("refund") if intent_id in (None, r["payment_intent"])]

    def refund(self, refund_id: str) -> Object:
        """GET /v1/refunds/ID."""
        return self._get("refund", refund_id)

    def _finish(self, intent: Object, status: str, outcome: Outcome) -> Object:
        intent.update(status=status, next_action=None)
        if outcome.code != _AUTHENTICATION_FAILED:
            charge = {
                "id": f"ch_{secrets.token_hex(12)}",
                "status": "succeeded" if status == "succeeded" else "failed",
            }
            intent.update(latest_charge=charge["id"], charges=[charge, *intent.get("charges", [])])
        if status == "succeeded":
            intent["amount_received"] = intent["amount"]
            intent["last_payment_error"] = None
            self._save_method(intent)
            self._save(intent, "payment_intent.succeeded")
            return intent
        error = {
            "type": "card_error",
            "code": outcome.code,
            "decline_code": outcome.decline_code or None,
            "message": "Your card was declined.",
        }
        intent.update(last_payment_error=error, payment_method=None)
        self._save(intent, "payment_intent.payment_failed")
        raise ApiError(402, {**error, "payment_intent": intent})

    def _save_method(self, intent: Object) -> None:
        """What was charged is kept for the customer if the intent says so."""
        if intent.get("customer") and intent.get("setup_future_usage"):
            attached = self.methods.attach(intent["payment_method"], {"customer": intent["customer"]})
            intent["payment_method"] = attached["id"]

    def _require_customer(self, intent: Object, method: str) -> None:
        """An attached method is charged only for its customer."""
        if method in OUTCOMES:
            return
        owner = self.methods.get(method)["customer"]
        if owner is not None and owner != intent.get("customer"):
            message = "The PaymentMethod belongs to a Customer; include the Customer in the PaymentIntent."
            raise invalid(message, "payment_method")

    def _outcome(self, method: str) -> Outcome:
        return OUTCOMES[self.methods.token(method)]

    def _save(self, changed: Object, event: str) -> None:
        self._state.save(changed, event)

    def _get(self, kind: str, object_id: str) -> Object:
        stored = self._state.get(object_id)
        if stored is None or stored["object"] != kind:
            raise invalid(f"No such {kind}: '{object_id}'", "id", "resource_missing", 404)
        return stored


def _kinds(params: Mapping[str, Any]) -> list[str]:
    """The requested payment method types; by default all that the currency supports."""
    possible = ["card", "us_bank_account"] if params["currency"].lower() == "usd" else ["card"]
    requested: list[str] = list(params.get("payment_method_types", {}).values()) or possible
    if unsupported := set(requested) - set(possible):
        raise invalid(
            f"Not supported with this currency: {', '.join(sorted(unsupported))}.", "payment_method_types"
        )
    return requested


def _amount(text: Any, param: str, currency: str) -> int:
    if not str(text or "").isdecimal():
        raise invalid(f"Invalid integer: {text}", param, "parameter_invalid_integer")
    if int(text) < 1:
        raise invalid("This value must be greater than or equal to 1.", param)
    if currency.lower() in _THREE_DECIMALS and int(text) % 10:
        raise invalid("The last digit of amounts in this currency must be 0.", param)
    if currency.lower() in _WHOLE and int(text) % 100:
        raise invalid("Amounts in this currency must end with 00.", param)
    return int(text)
