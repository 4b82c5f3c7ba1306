"""Payment methods and customers. A method stands for one of the test tokens, which decides what happens when it is charged."""

import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from dev.stripe_mock.cards import full_year, require_valid_expiry, shown, token_of
from dev.stripe_mock.errors import card_error, invalid
from dev.stripe_mock.outcomes import OUTCOMES
from dev.stripe_mock.state import State

Object = dict[str, Any]
_BANK: Final = "us_bank_account"


class Methods:
    """Creates, attaches and detaches."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create(self, params: Mapping[str, Any]) -> Object:
        """POST /v1/payment_methods, as a page does with a card's number."""
        card = params.get("card", {})
        token = token_of(str(card.get("number", "")))
        if params.get("type") != "card" or token is None:
            raise card_error("incorrect_number", "number", "Your card number is incorrect.")
        require_valid_expiry(str(card.get("exp_month", 12)), str(card.get("exp_year", 2034)))
        return self._save(token, card)

    def chosen(self, params: Mapping[str, Any]) -> str | None:
        """The method that a confirmation names or describes; None if it does neither."""
        if data := params.get("payment_method_data"):
            return str(self.create(data)["id"])
        return params.get("payment_method")

    def token(self, method_id: str) -> str:
        """The test token that a method stands for; tokens stand for themselves."""
        if method_id in OUTCOMES:
            return method_id
        stored = self._state.get(method_id)
        if stored is None or stored["object"] != "payment_method":
            raise invalid(f"No such PaymentMethod: '{method_id}'", "payment_method", "resource_missing")
        return str(stored["token"])

    def get(self, method_id: str) -> Object:
        """GET /v1/payment_methods/ID."""
        stored = self._state.get(method_id)
        if stored is None or stored["object"] != "payment_method":
            raise invalid(f"No such PaymentMethod: '{method_id}'", "payment_method", "resource_missing", 404)
        return stored

    def expanded(self, intent: Object, query: Mapping[str, Any]) -> Object:
        """The intent with its method's object in place of the id, if the request expands it; tokens have none."""
        expands = "payment_method" in dict(query.get("expand", {})).values()
        method = intent["payment_method"]
        stored = self._state.get(method) if expands and method else None
        return {**intent, "payment_method": stored} if stored else intent

    def of_customer(self, customer: str) -> list[Object]:
        """A customer's methods, newest first."""
        return [method for method in self._state.all("payment_method") if method["customer"] == customer]

    def attach(self, method_id: str, params: Mapping[str, Any]) -> Object:
        """POST /v1/payment_methods/ID/attach; a test token becomes a method of its own first."""
        customer = str(params.get("customer", ""))
        self.customer(customer)
        method = self._save(method_id, {}) if method_id in OUTCOMES else self.get(method_id)
        if method["customer"] not in (None, customer):
            raise invalid("The payment method is attached to another customer.", "payment_method")
        method["customer"] = customer
        self._state.save(method, "payment_method.attached")
        return method

    def detach(self, method_id: str, params: Mapping[str, Any]) -> Object:
        """POST /v1/payment_methods/ID/detach; a detached one is never attached again."""
        method = self.get(method_id)
        if method["customer"] is None:
            raise invalid("The payment method is not attached to a customer.", "payment_method")
        method["customer"] = None
        self._state.save(method, "payment_method.detached")
        return method

    def create_customer(self, params: Mapping[str, Any]) -> Object:
        """POST /v1/customers."""
        customer: Object = {
            "id": f"cus_{secrets.token_hex(7)}",
            "object": "customer",
            "created": int(time.time()),
            "livemode": False,
            "metadata": params.get("metadata", {}),
        }
        self._state.save(customer, "customer.created")
        return customer

    def delete_customer(self, customer_id: str) -> Object:
        """DELETE /v1/customers/ID: its methods are detached."""
        self.customer(customer_id)
        for method in self.of_customer(customer_id):
            self.detach(method["id"], {})
        deleted = {"id": customer_id, "object": "customer", "deleted": True, "metadata": {}}
        self._state.save(deleted, "customer.deleted")
        return deleted

    def customers(self) -> list[Object]:
        """All customers, newest first."""
        return self._state.all("customer")

    def customer(self, customer_id: str) -> Object:
        """A customer that exists."""
        stored = self._state.get(customer_id)
        if stored is None or stored["object"] != "customer" or stored.get("deleted"):
            raise invalid(f"No such customer: '{customer_id}'", "customer", "resource_missing", 404)
        return stored

    def _save(self, token: str, card: Mapping[str, Any]) -> Object:
        exp_month, exp_year = int(card.get("exp_month", 12)), full_year(int(card.get("exp_year", 2034)))
        kind = kind_of(token)
        method: Object = {
            "id": f"pm_{secrets.token_hex(12)}",
            "object": "payment_method",
            "created": int(time.time()),
            "customer": None,
            "livemode": False,
            "metadata": {},
            "type": kind,
            kind: shown(token, exp_month=exp_month, exp_year=exp_year) if kind == "card" else {},
            "token": token,
        }
        self._state.save(method, "payment_method.created")
        return method


def kind_of(token: str) -> str:
    """The type of a test token's method."""
    return _BANK if token.startswith("pm_usBank") else "card"
