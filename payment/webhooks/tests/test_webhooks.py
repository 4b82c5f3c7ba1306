"""POST /webhooks/stripe, in this process: signatures and their age, repetition, and any order."""

import itertools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dev.stripe_mock.webhooks import signature
from kit.values import Money
from kit.web import Readiness, build_app
from payment.intents.domain import Intent, IntentStatus
from payment.payments.domain import Payment, PaymentFailed, PaymentSucceeded
from payment.tests.fakes import FakePaymentStore, new_payment
from payment.tests.stripe_stub import SECRET
from payment.tests.world import World
from payment.webhooks.errors import BadSignature
from payment.webhooks.stripe_events import StripeWebhooks
from payment.webhooks.web import webhook_route


@dataclass
class Route(World):
    """The route, with the use cases on fakes behind it."""

    store: FakePaymentStore = field(default_factory=FakePaymentStore)
    http: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)

    async def processing(self) -> Payment:
        """A payment that the bank is processing."""
        self.provider.outcome = Intent("", IntentStatus.PROCESSING)
        await self.store.add(None, [new_payment(self.clock)])
        await self.charge()
        [payment] = self.store.payments.values()
        return payment

    async def charge(self) -> None:
        for payment in await self.charges.claim(10):
            await self.charges.advance(payment)

    async def send(self, intent_id: str, kind: str, event_id: str = "") -> httpx.Response:
        body = json.dumps(
            {
                "id": event_id or f"evt_{uuid4().hex}",
                "object": "event",
                "type": f"payment_intent.{kind}",
                "data": {"object": {"id": intent_id, "object": "payment_intent", "status": kind}},
            }
        )
        return await self.post(body, signature(body, SECRET, int(time.time())))

    async def post(self, body: str, header: str) -> httpx.Response:
        headers = {"stripe-signature": header, "content-type": "application/json"}
        return await self.http.post("/webhooks/stripe", content=body, headers=headers)


@pytest.fixture
async def world() -> AsyncIterator[Route]:
    route = Route()
    app: Any = build_app([webhook_route(route.webhooks, StripeWebhooks(SECRET))], Readiness([]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://payment") as http:
        route.http = http
        yield route


async def test_a_signed_webhook_makes_the_payment_due(world: Route) -> None:
    payment = await world.processing()
    world.provider.set_intent(payment.provider_id, Intent("", IntentStatus.SUCCEEDED))
    response = await world.send(payment.provider_id, "succeeded")
    assert (response.status_code, response.json()) == (200, {"received": True})
    await world.charge()
    assert [type(event) for event in world.db.events] == [PaymentSucceeded]


@pytest.mark.parametrize(("secret", "age"), [("whsec_other", 0), (SECRET, 301)])
async def test_a_webhook_with_a_wrong_or_old_signature_is_rejected(
    world: Route, secret: str, age: int
) -> None:
    payment = await world.processing()
    before = payment.due_time
    body = json.dumps(
        {"id": "evt_1", "data": {"object": {"id": payment.provider_id, "object": "payment_intent"}}}
    )
    response = await world.post(body, signature(body, secret, int(time.time()) - age))
    assert response.status_code == 401
    assert response.json()["reason"] == "BAD_SIGNATURE"
    assert payment.due_time == before


@pytest.mark.parametrize("header", ["", "nonsense", "t=,v1="])
async def test_a_malformed_signature_header_is_rejected(world: Route, header: str) -> None:
    assert (await world.post("{}", header)).status_code == 401


@pytest.mark.parametrize(
    "body", ["", "not json", "[]", "{}", '{"object": "event"}', '{"data": {"object": null}}']
)
async def test_a_signed_body_that_is_not_an_event_is_rejected(world: Route, body: str) -> None:
    response = await world.post(body, signature(body, SECRET, int(time.time())))
    assert (response.status_code, response.json()["reason"]) == (400, "NO_EVENT")


async def test_a_repeated_webhook_reads_the_intent_once(world: Route) -> None:
    payment = await world.processing()
    for _ in range(5):
        await world.send(payment.provider_id, "processing", "evt_1")
        await world.charge()
    assert world.provider.calls == ["create", "confirm", "retrieve"]


async def test_webhooks_about_other_objects_are_accepted_and_change_nothing(world: Route) -> None:
    payment = await world.processing()
    body = json.dumps(
        {
            "id": "evt_1",
            "object": "event",
            "type": "charge.updated",
            "data": {"object": {"id": payment.provider_id, "object": "charge"}},
        }
    )
    assert (await world.post(body, signature(body, SECRET, int(time.time())))).status_code == 200
    assert (await world.send("pi_of_another_shop", "succeeded")).status_code == 200
    await world.charge()
    assert world.provider.calls == ["create", "confirm"]


_OUTCOMES = [
    (Intent("", IntentStatus.SUCCEEDED), [PaymentSucceeded]),
    (Intent("", IntentStatus.DECLINED, "insufficient_funds"), [PaymentFailed]),
]
_ORDERS = list(
    itertools.permutations(["requires_action", "processing", "succeeded", "payment_failed", "canceled"])
)


@pytest.mark.parametrize("outcome", [0, 1])
async def test_webhooks_in_any_order_and_repeated_lead_to_the_providers_state(
    world: Route, outcome: int
) -> None:
    intent, events = _OUTCOMES[outcome]
    for order in _ORDERS[:: 7 + outcome]:
        world.store.payments.clear()
        world.db.events.clear()
        payment = await world.processing()
        world.provider.set_intent(payment.provider_id, intent)
        for kind in (*order, *order):
            assert (
                await world.send(payment.provider_id, kind, f"evt_{kind}_{payment.id}")
            ).status_code == 200
            await world.charge()
        assert [type(event) for event in world.db.events] == events
        assert payment.amount == Money(10_000, "USD")


def test_a_signed_webhook_identifies_its_intent() -> None:
    webhooks = StripeWebhooks(SECRET)
    payload = {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
    }
    body = json.dumps(payload)
    now = int(time.time())
    event = webhooks.parse(body.encode(), signature(body, SECRET, now))
    assert (event.intent_id, event.refund_id, event.failed) == ("pi_1", "", False)
    assert webhooks.parse(body.encode(), signature(body, SECRET, now - 299)) == event
    for wrong in ("", "t=1,v1=00", signature(body, "whsec_other", now), signature(body, SECRET, now - 301)):
        with pytest.raises(BadSignature):
            webhooks.parse(body.encode(), wrong)
    with pytest.raises(BadSignature):
        webhooks.parse(body.encode() + b" ", signature(body, SECRET, now))
