"""What each kind of key may do. A secret key: everything. A publishable key, which is in the page: what a client secret allows."""

import hmac
from collections.abc import Mapping
from typing import Any

from dev.stripe_mock.errors import ApiError, invalid
from dev.stripe_mock.state import State


def key_of(authorization: str, params: Mapping[str, Any]) -> str:
    """The API key of a request: as a bearer token, or as the parameter `key`, as a page sends it."""
    return (
        authorization.removeprefix("Bearer ")
        if authorization.startswith("Bearer ")
        else str(params.get("key", ""))
    )


def require_access(state: State, method: str, path: str, key: str, params: Mapping[str, Any]) -> None:
    """Raises ApiError unless the key may make the call."""
    if not key:
        error = {"type": "invalid_request_error", "message": "You did not provide an API key."}
        raise ApiError(401, error)
    if not key.startswith("pk_"):
        return
    match [method, *path.strip("/").split("/")]:
        case ["POST", "v1", "payment_methods"]:
            return
        case ["GET", "v1", ("payment_intents" | "setup_intents"), intent_id]:
            _require_secret(state, intent_id, params)
        case ["POST", "v1", ("payment_intents" | "setup_intents"), intent_id, "confirm"]:
            _require_secret(state, intent_id, params)
        case _:
            message = "This API call cannot be made with a publishable API key."
            raise invalid(message, code="secret_key_required", status=403)


def _require_secret(state: State, intent_id: str, params: Mapping[str, Any]) -> None:
    stored = state.get(intent_id) or {}
    expected, given = str(stored.get("client_secret", "")), str(params.get("client_secret", ""))
    if not expected or not hmac.compare_digest(expected, given):
        message = "The client_secret provided does not match any associated intent on this account."
        raise invalid(message, "client_secret", "resource_missing", 404)
