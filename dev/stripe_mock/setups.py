"""Setup intents, which save a payment method for a customer without a charge."""

import secrets
import time
from collections.abc import Mapping
from typing import Any

from dev.stripe_mock.errors import ApiError, invalid, unexpected_state
from dev.stripe_mock.methods import Methods
from dev.stripe_mock.outcomes import OUTCOMES, Outcome
from dev.stripe_mock.state import State

Object = dict[str, Any]
_OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")
# Banks ask for this card's buyer while it is saved, though not while it is charged.
_AUTHENTICATED_ON_SETUP = (
    "pm_card_authenticationRequiredOnSetup",
    "pm_card_authenticationRequiredSetupForOffSession",
)


class Setups:
    """The operations; `base`: URL of the page where buyers authenticate."""

    def __init__(self, state: State, methods: Methods, *, base: str) -> None:
        self._state = state
        self._methods = methods
        self._base = base

    def create(self, params: Mapping[str, Any]) -> Object:
        """POST /v1/setup_intents."""
        customer = params.get("customer")
        if customer:
            self._methods.customer(customer)
        identifier = f"seti_{secrets.token_hex(12)}"
        intent: Object = {
            "id": identifier,
            "object": "setup_intent",
            "client_secret": f"{identifier}_secret_{secrets.token_hex(12)}",
            "created": int(time.time()),
            "customer": customer,
            "livemode": False,
            "metadata": params.get("metadata", {}),
            "payment_method": None,
            "payment_method_types": list(params.get("payment_method_types", {"0": "card"}).values()),
            "usage": params.get("usage", "off_session"),
            "status": "requires_payment_method",
            "next_action": None,
            "last_setup_error": None,
            "latest_attempt": None,
            "attempts": [],
        }
        self._state.save(intent, "setup_intent.created")
        return intent

    def get(self, intent_id: str) -> Object:
        """GET /v1/setup_intents/ID."""
        stored = self._state.get(intent_id)
        if stored is None or stored["object"] != "setup_intent":
            raise invalid(f"No such setup_intent: '{intent_id}'", "id", "resource_missing", 404)
        return stored

    def attempts(self, intent_id: str) -> list[Object]:
        """GET /v1/setup_attempts: an intent's attempts, newest first."""
        intent = self.get(intent_id)
        return [
            {"object": "setup_attempt", "setup_intent": intent_id, **a} for a in intent.get("attempts", [])
        ]

    def confirm(self, intent_id: str, params: Mapping[str, Any]) -> Object:
        """POST /v1/setup_intents/ID/confirm; a decline is an ApiError that carries the intent."""
        intent = self.get(intent_id)
        if intent["status"] not in _OPEN:
            raise unexpected_state(intent, "confirm")
        method = self._methods.chosen(params) or intent["payment_method"]
        if method is None:
            raise invalid("You cannot confirm this SetupIntent without a payment method.", "payment_method")
        token = self._methods.token(method)
        outcome = OUTCOMES[token]
        intent["payment_method"] = method
        if outcome.status == "requires_action" or token in _AUTHENTICATED_ON_SETUP:
            intent["status"] = "requires_action"
            intent["next_action"] = next_action(self._base, intent_id, params.get("return_url"))
            self._state.save(intent, "setup_intent.requires_action")
            return intent
        return self._finish(intent, outcome, succeeds=outcome.status == "succeeded")

    def cancel(self, intent_id: str, params: Mapping[str, Any]) -> Object:
        """POST /v1/setup_intents/ID/cancel."""
        intent = self.get(intent_id)
        if intent["status"] not in _OPEN:
            raise unexpected_state(intent, "cancel")
        intent.update(status="canceled", next_action=None)
        self._state.save(intent, "setup_intent.canceled")
        return intent

    def authenticate(self, intent_id: str, *, passes: bool) -> Object:
        """The buyer authenticates at the page of next_action."""
        intent = self.get(intent_id)
        if intent["status"] != "requires_action":
            raise unexpected_state(intent, "authenticate")
        failed = Outcome("", "setup_intent_authentication_failure", "authentication_required")
        try:
            return self._finish(intent, failed, succeeds=passes)
        except ApiError:
            return self.get(intent_id)

    def _finish(self, intent: Object, outcome: Outcome, *, succeeds: bool) -> Object:
        intent["next_action"] = None
        attempt = {"id": f"setatt_{secrets.token_hex(12)}", "status": "succeeded" if succeeds else "failed"}
        intent.update(latest_attempt=attempt["id"], attempts=[attempt, *intent.get("attempts", [])])
        if succeeds:
            if intent["customer"]:
                attached = self._methods.attach(intent["payment_method"], {"customer": intent["customer"]})
                intent["payment_method"] = attached["id"]
            intent.update(status="succeeded", last_setup_error=None)
            self._state.save(intent, "setup_intent.succeeded")
            return intent
        error = {
            "type": "card_error",
            "code": outcome.code or "card_declined",
            "decline_code": outcome.decline_code or None,
            "message": "Your card was declined.",
        }
        intent.update(status="requires_payment_method", payment_method=None, last_setup_error=error)
        self._state.save(intent, "setup_intent.setup_failed")
        raise ApiError(402, {**error, "setup_intent": intent})


def next_action(base: str, intent_id: str, return_url: str | None) -> Object:
    """As at Stripe, there is a redirect only if the request has a return_url; else the page's script opens the bank's page."""
    url = f"{base}/mock/authenticate/{intent_id}"
    if not return_url:
        return {
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url},
        }
    return {"type": "redirect_to_url", "redirect_to_url": {"url": url, "return_url": return_url}}
