"""The mock's own rules: idempotency keys as in Stripe's v1 API, state over a restart, webhooks until they arrive, injected faults."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from dev.stripe_mock.provider import Provider
from dev.stripe_mock.server import Api, parameters, serve
from dev.stripe_mock.state import State
from dev.stripe_mock.webhooks import Deliverer, signature
from kit.testing import free_port, wait_until

INTENTS = "/v1/payment_intents"
FORM = "amount=1000&currency=usd&payment_method=pm_card_visa&confirm=true"


@pytest.fixture
def make(tmp_path: Path) -> Callable[[], Api]:
    def made() -> Api:
        state = State(tmp_path)
        return Api(state, Provider(state, base="http://127.0.0.1:1"))

    return made


def test_payments_that_start_at_once_all_connect_at_once(make: Callable[[], Api]) -> None:
    port = free_port()
    with serve(make(), port), ExitStack() as connections:
        for _ in range(64):
            connections.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.5))


def test_forms_are_parsed_as_stripe_writes_them() -> None:
    assert parameters("amount=1&metadata[order_id]=ord_1&a[0][b]=2") == {
        "amount": "1",
        "metadata": {"order_id": "ord_1"},
        "a": {"0": {"b": "2"}},
    }


def test_a_repeated_key_gets_the_same_response_even_after_a_restart(make: Callable[[], Api]) -> None:
    status, body, replayed = make().post(INTENTS, FORM, "key")
    assert (status, replayed) == (200, False)
    assert make().post(INTENTS, FORM, "key") == (200, body, True)
    assert len(json.loads(make().get(INTENTS)[1])["data"]) == 1


def test_a_key_is_for_one_request_only(make: Callable[[], Api]) -> None:
    api = make()
    api.post(INTENTS, FORM, "key")
    status, body, _ = api.post(INTENTS, FORM.replace("1000", "2000"), "key")
    assert status == 400
    assert json.loads(body)["error"]["type"] == "idempotency_error"


def test_a_decline_is_stored_under_its_key_and_an_invalid_request_is_not(make: Callable[[], Api]) -> None:
    api = make()
    declined = FORM.replace("pm_card_visa", "pm_card_chargeDeclined")
    first = api.post(INTENTS, declined, "declined")
    assert first[0] == 402
    assert api.post(INTENTS, declined, "declined") == (402, first[1], True)
    assert api.post(INTENTS, "amount=x&currency=usd", "key")[0] == 400
    assert api.post(INTENTS, FORM, "key")[0] == 200


def test_an_intent_accepts_only_payment_methods_of_its_currency(make: Callable[[], Api]) -> None:
    api = make()
    euros = "amount=1000&currency=eur"
    assert api.post(INTENTS, f"{euros}&payment_method_types[0]=us_bank_account", "")[0] == 400
    assert api.post(INTENTS, f"{euros}&payment_method=pm_usBankAccount&confirm=true", "")[0] == 400
    assert api.post(INTENTS, f"{euros}&payment_method=pm_card_visa&confirm=true", "")[0] == 200


def test_an_unknown_path_is_not_found(make: Callable[[], Api]) -> None:
    assert make().post("/v1/nothing", "", "")[0] == 404
    assert make().get("/v1/nothing")[0] == 404


def test_webhooks_are_signed_and_repeated_until_they_arrive(tmp_path: Path) -> None:
    received: list[tuple[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.headers["Stripe-Signature"], body))
            self.send_response(500 if len(received) == 1 else 200)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Does not log requests."""

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    state = State(tmp_path)
    provider = Provider(state, base="http://127.0.0.1:1", processing_seconds=0.1)
    api = Api(state, provider)
    deliverer = Deliverer(
        api,
        state,
        provider,
        urls=[f"http://127.0.0.1:{hook.server_port}/hook"],
        secret="s",
    )
    deliverer.start()
    api.post(INTENTS, FORM.replace("pm_card_visa", "pm_usBankAccount"), "")

    def types() -> list[str]:
        return [json.loads(body)["type"] for _, body in received]

    wait_until(lambda: "payment_intent.succeeded" in types() and len(received) >= 3, "the webhooks")
    deliverer.stop()
    deliverer.join()
    hook.shutdown()
    hook.server_close()
    assert set(types()) == {
        "payment_intent.processing",
        "payment_intent.succeeded",
    }
    header, body = received[0]
    assert header == signature(body, "s", int(header.partition(",")[0].removeprefix("t=")))


def confirmed(api: Api, method: str, more: str = "") -> dict[str, Any]:
    made: dict[str, Any] = json.loads(api.post(INTENTS, FORM.replace("pm_card_visa", method) + more, "")[1])
    return made


def test_a_buyer_is_redirected_only_if_there_is_a_return_url(make: Callable[[], Api]) -> None:
    api = make()
    assert confirmed(api, "pm_card_authenticationRequired")["next_action"]["type"] == "use_stripe_sdk"
    intent = json.loads(api.post(INTENTS, "amount=1000&currency=usd", "")[1])
    form = "payment_method=pm_card_authenticationRequired&return_url=https://shop.test"
    waiting = json.loads(api.post(f"{INTENTS}/{intent['id']}/confirm", form, "")[1])
    page = waiting["next_action"]["redirect_to_url"]
    assert page["return_url"] == "https://shop.test"
    path = page["url"].removeprefix("http://127.0.0.1:1")
    assert json.loads(api.get(f"{path}?passes=false")[1])["status"] == "requires_payment_method"


@pytest.mark.parametrize(
    ("method", "first", "last", "event"),
    [
        ("pm_card_pendingRefund", "pending", "succeeded", "refund.updated"),
        ("pm_card_refundFail", "succeeded", "failed", "refund.failed"),
    ],
)
def test_pending_refunds_are_settled_later(
    tmp_path: Path, method: str, first: str, last: str, event: str
) -> None:
    state = State(tmp_path)
    provider = Provider(state, base="http://127.0.0.1:1", processing_seconds=0)
    api = Api(state, provider)
    intent = confirmed(api, method)
    refund = json.loads(api.post("/v1/refunds", f"payment_intent={intent['id']}", "")[1])
    assert refund["status"] == first
    with api.lock, state.change():
        [due] = state.take_due()
        provider.settle(due)
        webhooks = [json.loads(body)["type"] for _, body, _ in state.due_deliveries(10)]
    assert provider.refund(refund["id"])["status"] == last
    assert webhooks[-1] == event
    # A failed refund can be repeated, a successful one cannot.
    again = api.post("/v1/refunds", f"payment_intent={intent['id']}", "")[0]
    assert again == (200 if last == "failed" else 400)


def test_every_change_is_recorded_with_its_amount_and_key(make: Callable[[], Api]) -> None:
    api = make()
    intent = json.loads(api.post(INTENTS, f"{FORM}&metadata[order_id]=ord_1", "charge")[1])["id"]
    api.post("/v1/refunds", f"payment_intent={intent}&amount=400", "refund")
    api.post("/v1/refunds", f"payment_intent={intent}&amount=400", "refund")
    records = json.loads(make().get("/mock/records")[1])["data"]
    assert [(record["event"], record["amount"], record["currency"], record["key"]) for record in records] == [
        ("payment_intent.created", 1000, "usd", "charge"),
        ("payment_intent.succeeded", 1000, "usd", "charge"),
        ("refund.created", 400, "usd", "refund"),
    ]
    assert {record["intent"] for record in records} == {intent}
    assert records[0]["metadata"] == {"order_id": "ord_1"}


def test_a_fault_can_be_limited_to_one_operation(make: Callable[[], Api]) -> None:
    api = make()
    api.inject(b'{"operation": "refund", "code": "amount_too_small"}')
    assert api.take_fault(INTENTS) is None
    assert (fault := api.take_fault("/v1/refunds")) is not None
    assert (fault.status, fault.code) == (400, "amount_too_small")
    assert api.take_fault("/v1/refunds") is None


@pytest.mark.parametrize("ends", ["succeeded", "failed"])
def test_a_refund_can_be_made_pending_and_settled_with_a_given_status(tmp_path: Path, ends: str) -> None:
    state = State(tmp_path)
    provider = Provider(state, base="http://127.0.0.1:1", processing_seconds=0)
    api = Api(state, provider)
    api.inject(json.dumps({"refunds": ends}).encode())
    intent = confirmed(api, "pm_card_visa")["id"]
    refund = json.loads(api.post("/v1/refunds", f"payment_intent={intent}&amount=400", "")[1])
    assert refund["status"] == "pending"
    with state.change():
        for due in state.take_due():
            provider.settle(due)
    assert json.loads(api.get(f"/v1/refunds/{refund['id']}")[1])["status"] == ends


def test_idempotency_keys_can_be_expired(make: Callable[[], Api]) -> None:
    api = make()
    first = json.loads(api.post(INTENTS, FORM, "key")[1])["id"]
    api.inject(b'{"keys": "forgotten"}')
    assert json.loads(api.post(INTENTS, FORM, "key")[1])["id"] != first


def test_an_unknown_fault_is_rejected(make: Callable[[], Api]) -> None:
    for request in ('{"operation": "pay"}', '{"refunds": "lost"}', '{"webhooks": "late"}'):
        with pytest.raises(ValueError, match="is none of"):
            make().inject(request.encode())


def test_three_decimals_are_charged_in_steps_of_ten(make: Callable[[], Api]) -> None:
    api = make()
    assert api.post(INTENTS, "amount=18605&currency=kwd", "")[0] == 400
    intent = json.loads(
        api.post(INTENTS, "amount=18600&currency=kwd&payment_method=pm_card_visa&confirm=true", "")[1]
    )["id"]
    assert api.post("/v1/refunds", f"payment_intent={intent}&amount=5", "")[0] == 400
    assert api.post("/v1/refunds", f"payment_intent={intent}&amount=10", "")[0] == 200


@pytest.mark.parametrize(
    ("fault", "arrived"),
    [
        ("", ["created", "succeeded"]),
        ("duplicated", ["created", "created", "succeeded"]),
        ("reordered", ["succeeded", "created"]),
        ("lost", ["succeeded"]),
    ],
)
def test_webhooks_can_be_duplicated_reordered_or_lost(tmp_path: Path, fault: str, arrived: list[str]) -> None:
    state = State(tmp_path)
    provider = Provider(state, base="http://127.0.0.1:1")
    api = Api(state, provider)
    if fault:
        api.inject(json.dumps({"webhooks": fault}).encode())
    received: list[str] = []

    class RecordingDeliverer(Deliverer):
        def _post(self, body: str, attempts: int) -> bool:
            received.append(json.loads(body)["type"].rpartition(".")[2])
            return True

    events = {"payment_intent.created", "payment_intent.succeeded"}
    deliverer = RecordingDeliverer(
        api, state, provider, urls=["http://127.0.0.1:1"], secret="s", events=events
    )
    deliverer.start()
    api.post(INTENTS, FORM, "")
    wait_until(lambda: len(received) == len(arrived), "the webhooks")
    deliverer.stop()
    deliverer.join()
    assert received == arrived
