"""What a page may do with a publishable key, over HTTP: confirm with a client secret, try again, authenticate, save a card."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from dev.stripe_mock.tests.mock_client import BANK_ASKS, DECLINED, PUBLISHABLE, SECRET, Mock, mock

__all__ = ["mock"]


def test_a_page_pays_with_its_client_secret(mock: Mock) -> None:
    intent = mock.intent()
    answer = mock.confirm(intent, "4242 4242 4242 4242")
    assert (answer.status, answer.body["status"]) == (200, "succeeded")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    method = mock.call("GET", f"/v1/payment_methods/{answer.body['payment_method']}", key=SECRET).body
    assert (method["card"]["brand"], method["card"]["last4"]) == ("visa", "4242")


def test_a_decline_is_followed_by_another_card(mock: Mock) -> None:
    intent = mock.intent()
    declined = mock.confirm(intent, DECLINED)
    assert declined.status == 402
    assert declined.body["error"]["code"] == "card_declined"
    assert declined.body["error"]["payment_intent"]["status"] == "requires_payment_method"
    assert mock.confirm(intent, "1234").body["error"]["code"] == "incorrect_number"
    assert mock.confirm(intent, "4242424242424242").body["status"] == "succeeded"
    again = mock.confirm(intent, "4242424242424242")
    assert again.body["error"]["code"] == "payment_intent_unexpected_state"


@pytest.mark.parametrize(
    ("month", "year", "code", "param"),
    [
        ("1", "2020", "expired_card", "exp_month"),
        ("12", "20", "expired_card", "exp_month"),
        ("13", "2034", "invalid_expiry_month", "exp_month"),
        ("0", "2034", "invalid_expiry_month", "exp_month"),
        ("x", "2034", "invalid_expiry_month", "exp_month"),
        ("12", "2134", "invalid_expiry_year", "exp_year"),
        ("12", "", "invalid_expiry_year", "exp_year"),
    ],
)
def test_a_card_whose_expiry_is_no_month_or_past_is_not_charged(
    mock: Mock, month: str, year: str, code: str, param: str
) -> None:
    intent = mock.intent()
    expiry = {
        "payment_method_data[card][exp_month]": month,
        "payment_method_data[card][exp_year]": year,
    }
    declined = mock.confirm(intent, "4242424242424242", **expiry)
    assert (declined.status, declined.body["error"]["code"]) == (402, code)
    assert declined.body["error"]["param"] == param
    assert mock.status(intent) == "requires_payment_method"


def test_a_card_is_valid_until_the_end_of_its_month(mock: Mock) -> None:
    today = datetime.now(UTC)
    expiry = {
        "payment_method_data[card][exp_month]": str(today.month),
        "payment_method_data[card][exp_year]": str(today.year % 100),
    }
    assert mock.confirm(mock.intent(), "4242424242424242", **expiry).body["status"] == "succeeded"


@pytest.mark.parametrize("secret", ["", "pi_1_secret_2"])
def test_a_wrong_client_secret_opens_nothing(mock: Mock, secret: str) -> None:
    intent = {**mock.intent(), "client_secret": secret}
    assert mock.confirm(intent, "4242424242424242").status == 404
    query = urlencode({"key": PUBLISHABLE, "client_secret": secret})
    assert mock.call("GET", f"/v1/payment_intents/{intent['id']}?{query}").status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/payment_intents"),
        ("POST", "/v1/payment_intents/pi_1/cancel"),
        ("POST", "/v1/refunds"),
        ("POST", "/v1/customers"),
        ("POST", "/v1/setup_intents"),
        ("GET", "/v1/payment_intents"),
        ("GET", "/v1/customers/cus_1/payment_methods"),
        ("DELETE", "/v1/customers/cus_1"),
    ],
)
def test_a_publishable_key_does_not_do_what_a_secret_key_does(mock: Mock, method: str, path: str) -> None:
    denied = mock.call(method, path, key=PUBLISHABLE)
    assert (denied.status, denied.body["error"]["code"]) == (403, "secret_key_required")
    assert mock.call(method, path).status == 401


@pytest.mark.parametrize(("passes", "status"), [("true", "succeeded"), ("false", "requires_payment_method")])
def test_the_bank_asks_in_a_page_and_sends_the_buyer_back(mock: Mock, passes: str, status: str) -> None:
    intent = mock.intent()
    waiting = mock.confirm(intent, BANK_ASKS, return_url="https://shop.test/orders/1?tab=pay").body
    page = waiting["next_action"]["redirect_to_url"]["url"].removeprefix(f"http://127.0.0.1:{mock.port}")
    question = mock.open(page).text
    assert 'id="pass"' in question
    assert "Do you allow Souk to charge 10.00 USD?" in question
    query = urlencode({"key": PUBLISHABLE, "client_secret": intent["client_secret"]})
    read = f"/v1/payment_intents/{intent['id']}?{query}"
    # Closing the page leaves the intent open.
    assert mock.call("GET", read).body["status"] == "requires_action"

    answered = mock.open(f"{page}?passes={passes}")
    assert answered.status == 303
    back = urlsplit(answered.headers["Location"])
    assert f"{back.scheme}://{back.netloc}{back.path}" == "https://shop.test/orders/1"
    assert dict(parse_qsl(back.query)) == {
        "tab": "pay",
        "payment_intent": intent["id"],
        "payment_intent_client_secret": intent["client_secret"],
        "redirect_status": "succeeded" if passes == "true" else "failed",
    }
    assert mock.call("GET", read).body["status"] == status


def test_without_a_return_url_the_form_opens_the_banks_page(mock: Mock) -> None:
    intent = mock.intent()
    waiting = mock.confirm(intent, BANK_ASKS).body
    page = waiting["next_action"]["use_stripe_sdk"]["stripe_js"].removeprefix(f"http://127.0.0.1:{mock.port}")
    answered = mock.open(f"{page}?passes=true")
    assert (answered.status, "postMessage" in answered.text) == (200, True)
    assert '"status": "succeeded"' in answered.text
    # In another tab, after the answer.
    assert mock.open(f"{page}?passes=true").status == 200


def test_the_card_form_cannot_be_made_to_run_another_script(mock: Mock) -> None:
    hostile = urlencode({"client_secret": "</script><script>alert(1)</script>", "key": PUBLISHABLE})
    page = mock.call("GET", f"/pay/pi_1?{hostile}").text
    assert "<form>" in page
    assert page.count("<script>") == 1
    assert "<\\/script" not in page
    assert "alert(1)</script>" not in page.replace("\\u003c/script>", "")


def test_a_setup_intent_saves_a_card_for_its_customer(mock: Mock) -> None:
    customer = mock.call("POST", "/v1/customers", {"metadata[account_id]": "acc_1"}, key=SECRET).body["id"]
    declined = mock.intent("setup_intents", customer=customer)
    assert mock.confirm(declined, DECLINED).status == 402
    assert mock.confirm(declined, "4242424242424242").body["status"] == "succeeded"
    waiting_intent = mock.intent("setup_intents", customer=customer)
    waiting = mock.confirm(waiting_intent, "4000002500003155").body
    assert waiting["status"] == "requires_action"
    assert "save your card" in mock.open(f"/mock/authenticate/{waiting_intent['id']}").text
    mock.open(f"/mock/authenticate/{waiting_intent['id']}?passes=true")

    methods = mock.call("GET", f"/v1/customers/{customer}/payment_methods", key=SECRET).body["data"]
    assert [method["card"]["last4"] for method in methods] == ["3155", "4242"]
    charge = {"amount": "100", "currency": "usd", "payment_method": methods[0]["id"], "confirm": "true"}
    assert mock.call("POST", "/v1/payment_intents", charge, key=SECRET).status == 400
    charged = mock.call("POST", "/v1/payment_intents", {**charge, "customer": customer}, key=SECRET).body
    assert charged["status"] == "succeeded"

    assert mock.call("DELETE", f"/v1/customers/{customer}", key=SECRET).body["deleted"]
    assert mock.call("GET", f"/v1/customers/{customer}/payment_methods", key=SECRET).body["data"] == []


def test_a_charged_method_is_kept_for_the_customer_if_the_intent_says_so(mock: Mock) -> None:
    customer = mock.call("POST", "/v1/customers", key=SECRET).body["id"]
    intent = mock.intent(customer=customer, setup_future_usage="off_session")
    paid = mock.confirm(intent, "4242424242424242").body
    [saved] = mock.call("GET", f"/v1/customers/{customer}/payment_methods", key=SECRET).body["data"]
    assert saved["id"] == paid["payment_method"]
    detached = mock.call("POST", f"/v1/payment_methods/{saved['id']}/detach", key=SECRET).body
    assert detached["customer"] is None
