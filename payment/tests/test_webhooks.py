"""POST /webhooks/stripe, in this process: signatures and their age, repetition, and any order."""

import itertools
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest

from dev.stripe_mock.webhooks import signature
from kit.db.fake import FakeDatabase
from kit.testing import FakeClock
from kit.values import Money
from kit.web import Readiness, build_app
from payment.domain import Intent, IntentStatus, Payment, PaymentFailed, PaymentSucceeded
from payment.refund_use_cases import Refunds
from payment.tests.edges import SECRET, adapter
from payment.tests.fakes import FakePaymentStore, FakeProvider, asked
from payment.use_cases import Payments
from payment.web import webhook_route


@dataclass
class World:
    """The route, with the use cases on fakes behind it."""

    http: httpx.AsyncClient
    payments: Payments
    db: FakeDatabase
    store: FakePaymentStore
    provider: FakeProvider
    clock: FakeClock

    async def waiting(self) -> Payment:
        """A payment whose bank takes its time."""
        self.provider.outcome = Intent("", IntentStatus.PROCESSING)
        await self.store.add(None, [asked(self.clock)])
        await self.work()
        [payment] = self.store.payments.values()
        return payment

    async def work(self) -> None:
        for payment in await self.payments.claim(10):
            await self.payments.advance(payment)

    async def told(self, intent_id: str, kind: str, event_id: str = "") -> httpx.Response:
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
async def world() -> AsyncIterator[World]:
    db, store, provider, clock = FakeDatabase(), FakePaymentStore(), FakeProvider(), FakeClock()
    database: Any = db
    payments = Payments(database, store, provider, default_method="", clock=lambda: clock.now)
    stripe = adapter("http://127.0.0.1:1")
    refunds = Refunds(database, store, provider, clock=lambda: clock.now)
    app: Any = build_app([webhook_route(payments, refunds, stripe)], Readiness([]))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://payment") as http:
        yield World(http, payments, db, store, provider, clock)
    await stripe.close()


async def test_what_the_provider_signed_is_looked_at_soon(world: World) -> None:
    payment = await world.waiting()
    world.provider.answers(payment.provider_id, Intent("", IntentStatus.SUCCEEDED))
    answer = await world.told(payment.provider_id, "succeeded")
    assert (answer.status_code, answer.json()) == (200, {"received": True})
    await world.work()
    assert [type(fact) for fact in world.db.events] == [PaymentSucceeded]


@pytest.mark.parametrize(("secret", "age"), [("whsec_other", 0), (SECRET, 301)])
async def test_what_it_did_not_sign_or_signed_long_ago_is_refused(
    world: World, secret: str, age: int
) -> None:
    payment = await world.waiting()
    before = payment.due_time
    body = json.dumps(
        {"id": "evt_1", "data": {"object": {"id": payment.provider_id, "object": "payment_intent"}}}
    )
    answer = await world.post(body, signature(body, secret, int(time.time()) - age))
    assert answer.status_code == 401
    assert answer.json()["reason"] == "BAD_SIGNATURE"
    assert payment.due_time == before


@pytest.mark.parametrize("header", ["", "nonsense", "t=,v1="])
async def test_a_header_that_is_no_signature_is_refused(world: World, header: str) -> None:
    assert (await world.post("{}", header)).status_code == 401


@pytest.mark.parametrize(
    "body", ["", "not json", "[]", "{}", '{"object": "event"}', '{"data": {"object": null}}']
)
async def test_a_signed_body_that_is_no_event_is_refused(world: World, body: str) -> None:
    answer = await world.post(body, signature(body, SECRET, int(time.time())))
    assert (answer.status_code, answer.json()["reason"]) == (400, "NO_EVENT")


async def test_a_repeated_webhook_asks_the_provider_once(world: World) -> None:
    payment = await world.waiting()
    for _ in range(5):
        await world.told(payment.provider_id, "processing", "evt_1")
        await world.work()
    assert world.provider.calls == ["create", "confirm", "retrieve"]


async def test_a_webhook_about_something_else_is_taken_and_changes_nothing(world: World) -> None:
    payment = await world.waiting()
    body = json.dumps(
        {
            "id": "evt_1",
            "object": "event",
            "type": "charge.updated",
            "data": {"object": {"id": payment.provider_id, "object": "charge"}},
        }
    )
    assert (await world.post(body, signature(body, SECRET, int(time.time())))).status_code == 200
    assert (await world.told("pi_of_another_shop", "succeeded")).status_code == 200
    await world.work()
    assert world.provider.calls == ["create", "confirm"]


_ENDS = [
    (Intent("", IntentStatus.SUCCEEDED), [PaymentSucceeded]),
    (Intent("", IntentStatus.DECLINED, "insufficient_funds"), [PaymentFailed]),
]
_ORDERS = list(
    itertools.permutations(["requires_action", "processing", "succeeded", "payment_failed", "canceled"])
)


@pytest.mark.parametrize("end", [0, 1])
async def test_webhooks_in_any_order_and_repeated_end_as_the_provider_says(world: World, end: int) -> None:
    intent, facts = _ENDS[end]
    for order in _ORDERS[:: 7 + end]:
        world.store.payments.clear()
        world.db.events.clear()
        payment = await world.waiting()
        world.provider.answers(payment.provider_id, intent)
        for kind in (*order, *order):
            assert (
                await world.told(payment.provider_id, kind, f"evt_{kind}_{payment.id}")
            ).status_code == 200
            await world.work()
        assert [type(fact) for fact in world.db.events] == facts
        assert payment.amount == Money(10_000, "USD")
