"""What browsers open: the card form, the bank's question, and what follows the buyer's answer."""

from collections.abc import Mapping
from typing import Any

from dev.stripe_mock.errors import ApiError
from dev.stripe_mock.pages import bank_answered_page, bank_page, payment_page, return_location
from dev.stripe_mock.provider import Provider
from dev.stripe_mock.state import State


class Pages:
    """The pages; within a change of the state."""

    def __init__(self, state: State, provider: Provider) -> None:
        self._state = state
        self._provider = provider

    def answer(self, path: str, query: Mapping[str, Any]) -> tuple[str, str] | None:
        """A page and the address to continue at, one of them empty; None if the path is none of the pages."""
        match path.strip("/").split("/"):
            case ["pay", intent_id]:
                return payment_page(intent_id, query), ""
            case ["mock", "authenticate", intent_id] if "passes" not in query:
                return bank_page(self._state.get(intent_id) or {"id": intent_id}), ""
            case ["mock", "authenticate", intent_id]:
                return self._answer_bank(intent_id, query["passes"] == "true")
        return None

    def authenticate(self, intent_id: str, passes: bool) -> dict[str, Any]:
        """The buyer's answer to the bank."""
        setup = intent_id.startswith("seti_")
        return (self._provider.setups if setup else self._provider).authenticate(intent_id, passes=passes)

    def _answer_bank(self, intent_id: str, passes: bool) -> tuple[str, str]:
        before = self._state.get(intent_id) or {}
        redirect = (before.get("next_action") or {}).get("redirect_to_url")
        try:
            intent = self.authenticate(intent_id, passes)
        except ApiError:  # answered before, in another tab
            intent = {"id": intent_id, "status": "unknown", **before}
        if redirect:
            return "", return_location(redirect["return_url"], intent)
        return bank_answered_page(intent), ""
