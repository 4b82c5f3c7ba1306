"""The pages that Stripe.js and banks show: a card form, and the bank's question. They work alone and in an iframe.

In an iframe each posts {source: "stripe-mock", type, id, status, error} to its parent: type "payment" or "authentication".
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from html import escape
from typing import Any, Final
from urllib.parse import urlencode

from dev.stripe_mock.cards import NUMBERS

# Of Stripe's minor units, where they are not two.
_DECIMALS: Final = {"JPY": 0, "KWD": 3}
_STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 26rem; margin: 1rem auto; padding: 0 1rem; }
label, input, button, iframe { display: block; width: 100%; box-sizing: border-box; margin-bottom: .6rem; }
input, button { font: inherit; padding: .4rem; } iframe { height: 16rem; border: 1px solid #888; } [hidden] { display: none; }
"""
# Replies go to any parent: the mock has no secrets but those that the page that embeds it has already.
_PAY_SCRIPT: Final = """
const form = document.querySelector("form"), status = document.querySelector("[role=status]");
const bank = document.querySelector("iframe"), button = document.querySelector("button");
const api = "/v1/" + (page.id.startsWith("seti_") ? "setup_intents/" : "payment_intents/") + page.id;
const say = (state, error) => {
  status.textContent = error || state;
  parent.postMessage({source: "stripe-mock", type: "payment", id: page.id, status: state, error: error || null}, "*");
};
const show = (intent) => {
  const failed = intent.last_payment_error || intent.last_setup_error;
  bank.hidden = intent.status !== "requires_action";
  form.hidden = ["succeeded", "processing", "canceled"].includes(intent.status);
  button.disabled = false;
  if (intent.status === "requires_action") bank.src = intent.next_action.use_stripe_sdk.stripe_js;
  say(intent.status, failed && failed.message + " (" + (failed.decline_code || failed.code) + ")");
  if (intent.status === "succeeded" && page.return_url) location = page.return_url;
};
const read = async () => {
  const query = new URLSearchParams({key: page.key, client_secret: page.client_secret});
  const response = await fetch(api + "?" + query), answer = await response.json();
  if (response.ok) show(answer); else say("error", answer.error.message);
};
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  button.disabled = true;
  const [month, year] = form.expiry.value.split("/");
  const body = new URLSearchParams({
    key: page.key, client_secret: page.client_secret, "payment_method_data[type]": "card",
    "payment_method_data[card][number]": form.number.value, "payment_method_data[card][cvc]": form.cvc.value,
    "payment_method_data[card][exp_month]": Number(month), "payment_method_data[card][exp_year]": 2000 + Number(year),
  });
  const response = await fetch(api + "/confirm", {method: "POST", body}), answer = await response.json();
  if (response.ok) return show(answer);
  button.disabled = false;
  say("requires_payment_method", answer.error.message + " (" + (answer.error.decline_code || answer.error.code) + ")");
});
addEventListener("message", (event) => { if (event.source === bank.contentWindow) read(); });
read();
"""
_BANK_SCRIPT: Final = """
parent.postMessage({source: "stripe-mock", type: "authentication", id: page.id, status: page.status}, "*");
"""


def payment_page(intent_id: str, query: Mapping[str, Any]) -> str:
    """A card form that confirms an intent; `query`: client_secret, key and, optionally, return_url."""
    page = {
        "id": intent_id,
        **{name: str(query.get(name, "")) for name in ("client_secret", "key", "return_url")},
    }
    numbers = "".join(
        f"<option value='{number}'>{escape(token)}</option>" for number, token in NUMBERS.items()
    )
    body = f"""
<h1>Test payment</h1>
<form>
  <label for="number">Card number</label>
  <input id="number" name="number" list="cards" inputmode="numeric" autocomplete="off" value="4242424242424242" required>
  <datalist id="cards">{numbers}</datalist>
  <label for="expiry">Expiry (MM/YY)</label>
  <input id="expiry" name="expiry" value="12/34" pattern="[0-9]{{2}}/[0-9]{{2}}" required>
  <label for="cvc">CVC</label><input id="cvc" name="cvc" value="123" required>
  <button>Pay</button>
</form>
<iframe title="Your bank" hidden></iframe>
<p role="status"></p>"""
    return _html("Test payment", body, page, _PAY_SCRIPT)


def bank_page(intent: Mapping[str, Any]) -> str:
    """The bank's question (3-D Secure)."""
    path = f"/mock/authenticate/{escape(str(intent['id']))}?"
    body = f"""
<h1>Your bank</h1>
<p>{_question(intent)} Closing this page leaves it open.</p>
<p><a id="pass" href="{path}passes=true">Allow</a></p>
<p><a id="fail" href="{path}passes=false">Reject</a></p>"""
    return _html("Your bank", body, {"id": intent["id"]}, "")


def _question(intent: Mapping[str, Any]) -> str:
    """Names the shop and the amount; an intent that only saves a card has none."""
    if "amount" not in intent:
        return "Do you allow Souk to save your card?"
    currency = str(intent["currency"]).upper()
    amount = Decimal(intent["amount"]).scaleb(-_DECIMALS.get(currency, 2))
    return f"Do you allow Souk to charge {amount} {escape(currency)}?"


def bank_answered_page(intent: Mapping[str, Any]) -> str:
    """After the buyer's answer, where there is no return_url."""
    body = "<h1>Your bank</h1><p role='status'>Done. You can close this page.</p>"
    return _html("Your bank", body, {"id": intent["id"], "status": intent["status"]}, _BANK_SCRIPT)


def return_location(url: str, intent: Mapping[str, Any]) -> str:
    """Where the bank's page sends the buyer back: the return_url with Stripe's parameters."""
    kind = intent["object"]
    outcome = "succeeded" if intent["status"] == "succeeded" else "failed"
    query = {kind: intent["id"], f"{kind}_client_secret": intent["client_secret"], "redirect_status": outcome}
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"


def _html(title: str, body: str, page: Mapping[str, Any], script: str) -> str:
    # No value can end the script: "<" is written as an escape.
    data = json.dumps(page).replace("<", "\\u003c")
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' content='width=device-width'>"
        f"<title>{escape(title)}</title><style>{_STYLE}</style>{body}<script>const page = {data};{script}</script></html>"
    )
