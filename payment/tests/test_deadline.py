"""The race at the deadline of payments that pages confirm: 100 seeds on PostgreSQL and the Stripe mock, with two replicas of the worker.

Buyers pay, are declined, authenticate or leave while the time to pay ends. Webhooks are lost, doubled or arrive before the response to
the page. Orders are cancelled concurrently, or consume late that they were paid.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from kit.auth import Principal, Role
from kit.db import Database
from kit.testing.fixtures import database_url, postgres
from kit.values import ORDER, PAYMENT, Money
from kit.work import LeaseLost
from payment.charges.orders import CancelledOrder, PlacedOrder
from payment.charges.use_cases import Charges
from payment.intents.domain import Confirmation
from payment.page.errors import PaymentNotReady
from payment.page.use_cases import PaymentStart
from payment.payments.domain import Payment
from payment.payments.status import PaymentStatus
from payment.refunds.use_cases import Refunds
from payment.tests.fakes import SEALER
from payment.tests.stripe_stub import adapter, stripe_mock
from payment.tests.world import PostgresStores, World, stores
from payment.webhooks.domain import WebhookEvent
from payment.webhooks.use_cases import Webhooks

__all__ = ["database_url", "postgres", "stores"]

SEEDS = 100
TOTAL = Money(10_000, "USD")
GOOD, DECLINED, ASKS = "4242424242424242", "4000000000000002", "4000002760003184"
# How long the buyers of a run take, and when its time to pay ends, in seconds.
RACE, DEADLINE = 0.6, 0.3
_START_TRIES = 20


@dataclass
class Buyer:
    """A buyer and their order, which the order service would keep."""

    seed: int
    order: PlacedOrder
    cards: list[str]
    webhook: str
    delay: float
    passes: bool
    cancels: bool
    consumes_late: bool
    secret: str = ""
    status: str = "PENDING"

    @classmethod
    def of(cls, seed: int, order: PlacedOrder) -> "Buyer":
        random = Random(seed)
        cards = random.choice([[GOOD], [DECLINED, GOOD], [ASKS], [DECLINED], [DECLINED, ASKS], []])
        return cls(
            seed=seed,
            order=order,
            cards=cards,
            webhook=random.choice(["once", "lost", "doubled", "first"]),
            delay=random.uniform(0, RACE),
            passes=random.random() < 0.7,
            cancels=random.random() < 0.15,
            consumes_late=random.random() < 0.2,
        )

    @property
    def intent_id(self) -> str:
        return self.secret.partition("_secret_")[0]


@dataclass
class Race(World):
    """The use cases on PostgreSQL and the mock; the second replica has its own worker."""

    mock: Any = None
    client: Any = None
    buyers: dict[UUID, Buyer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.other = Charges(self.db, self.store, self.store, self.client, clock=self.clock)
        self.charges = Charges(self.db, self.store, self.store, self.client, clock=self.clock)
        self.start = PaymentStart(self.store, self.store, self.charges, clock=self.clock)
        self.refunds = Refunds(self.db, self.store, self.store, self.client, clock=self.clock)
        self.webhooks = Webhooks(self.store, self.refunds, clock=self.clock)
        self.page = httpx.AsyncClient(base_url=self.mock.url, timeout=30)

    async def place(self, seeds: range) -> None:
        """Places an order for each seed; half of the buyers open the page, the workers prepare the others' payments."""
        pay_before = self.clock.now + timedelta(minutes=8)
        for seed in seeds:
            order = PlacedOrder(uuid4(), uuid4(), TOTAL, "", pay_before, Confirmation.CLIENT)
            self.buyers[order.id] = Buyer.of(seed, order)
        async with self.db.transaction() as tx:
            await self.orders.orders_placed(tx, [buyer.order for buyer in self.buyers.values()])
        await asyncio.gather(*map(self._open, self.buyers.values()), self.step(self.other))

    async def _open(self, buyer: Buyer) -> None:
        caller = Principal(buyer.order.account_id, Role.USER, uuid4())
        # Clients repeat PAYMENT_NOT_READY: a hundred pages at once may take longer than one start waits.
        for _ in range(_START_TRIES):
            with suppress(PaymentNotReady):
                started = await self.start.start(caller, buyer.order.id)
                buyer.secret = SEALER.unseal(started.client_secret)
                return
        raise AssertionError("the payment was never ready")

    async def step(self, charges: Charges) -> None:
        """What a worker does in a moment."""
        await charges.cancel_expired()

        async def advance(payment: Payment) -> None:
            try:
                await charges.advance(payment)
            except LeaseLost:
                return  # the other replica has taken over

        await asyncio.gather(*map(advance, await charges.claim(16)))
        for refund in await self.refunds.claim(16):
            await self.refunds.make(refund)

    async def run(self, charges: Charges, until: asyncio.Event) -> None:
        while not until.is_set():
            await self.step(charges)
            with suppress(TimeoutError):
                await asyncio.wait_for(until.wait(), 0.01)

    async def pay(self, buyer: Buyer) -> None:
        """What a page does."""
        await asyncio.sleep(buyer.delay)
        for card in buyer.cards:
            intent = await self._confirm(buyer, card)
            if intent.get("status") == "requires_action":
                passes = str(buyer.passes).lower()
                url = f"/mock/authenticate/{buyer.intent_id}?passes={passes}"
                intent = (await self.page.get(url)).json()
                await self._webhook(buyer, failed=not buyer.passes)
            if intent.get("status") == "succeeded":
                return

    async def _confirm(self, buyer: Buyer, card: str) -> dict[str, Any]:
        form = {
            "key": "pk_test",
            "client_secret": buyer.secret,
            "payment_method_data[type]": "card",
            "payment_method_data[card][number]": card,
        }
        call = self.page.post(f"/v1/payment_intents/{buyer.intent_id}/confirm", data=form)
        if buyer.webhook == "first":
            response, _ = await asyncio.gather(call, self._webhook(buyer, failed=card == DECLINED))
        else:
            response = await call
            await self._webhook(buyer, failed=card == DECLINED)
        answer: dict[str, Any] = response.json()
        return answer

    async def _webhook(self, buyer: Buyer, *, failed: bool) -> None:
        event = WebhookEvent(uuid4(), buyer.intent_id, failed=failed)
        times = {"lost": 0, "doubled": 2}.get(buyer.webhook, 1)
        await asyncio.gather(*(self.webhooks.receive(event) for _ in range(times)))

    async def cancel(self, buyer: Buyer, delay: float = 0.0) -> None:
        """The order is cancelled while it is PENDING, by its buyer or at its own deadline."""
        await asyncio.sleep(delay)
        if buyer.status != "PENDING":
            return
        buyer.status = "CANCELLED"
        order = buyer.order
        async with self.db.transaction() as tx:
            await self.orders.orders_cancelled(tx, [CancelledOrder(order.id, order.account_id, order.total)])

    async def consume(self, *, late: bool) -> None:
        """Orders consume what was published about their payments."""
        for payment in await self.store.find_by_orders(list(self.buyers), None):
            buyer = self.buyers[payment.order_id]
            if buyer.status == "PENDING" and (late or not buyer.consumes_late):
                published = await self.published(payment)
                if published["PaymentSucceeded"]:
                    buyer.status = "CONFIRMED"
                elif published["PaymentFailed"]:
                    await self.cancel(buyer)

    async def published(self, payment: Payment) -> Counter[str]:
        sql = "SELECT type FROM outbox WHERE key = $1"
        rows = await self.db.fetch(sql, PAYMENT.format(payment.id))
        return Counter(row["type"].rpartition(".")[2] for row in rows)


@pytest.fixture
async def race(stores: tuple[Database, PostgresStores], tmp_path: Path) -> AsyncIterator[Race]:
    db, store = stores
    with stripe_mock(tmp_path) as mock:
        client = adapter(mock.url)
        world = Race(db=db, store=store, mock=mock, client=client)
        yield world
        await world.page.aclose()
        await client.close()


async def test_at_the_deadline_every_payment_is_confirmed_or_fully_refunded_and_never_neither(
    race: Race,
) -> None:
    await race.place(range(SEEDS))
    race.clock.advance(minutes=7, seconds=59)
    ended = asyncio.Event()
    workers = [asyncio.create_task(race.run(charges, ended)) for charges in (race.charges, race.other)]
    buyers = race.buyers.values()
    cancelling = [race.cancel(buyer, RACE - buyer.delay) for buyer in buyers if buyer.cancels]

    async def time_ends() -> None:
        await asyncio.sleep(DEADLINE)
        race.clock.advance(seconds=2)

    await asyncio.gather(*map(race.pay, buyers), *cancelling, time_ends())
    ended.set()
    await asyncio.gather(*workers)
    for _ in range(SEEDS // 10):
        await race.step(race.charges)
    await race.consume(late=False)
    # The orders' own deadline, two minutes later, and what follows from it.
    race.clock.advance(minutes=2)
    await asyncio.gather(*map(race.cancel, buyers))
    for _ in range(6):
        await race.step(race.charges)
        await race.consume(late=True)
        race.clock.advance(minutes=2)

    outcomes = Counter([await outcome(race, buyer) for buyer in buyers])
    assert outcomes["charged, CONFIRMED"] > 0
    assert outcomes["charged, CANCELLED"] > 0
    assert outcomes["not charged, CANCELLED"] > 0
    # Nothing that a page could still confirm is left: 15 minutes after the time to pay at the latest.
    assert {intent["status"] for intent in race.mock.provider.intents()} == {"succeeded", "canceled"}
    totals = await race.db.fetch("SELECT entry FROM ledger GROUP BY entry HAVING sum(amount) <> 0")
    assert totals == []


async def outcome(race: Race, buyer: Buyer) -> str:
    """What became of an order; its money is where it belongs, or an assertion fails."""
    [payment] = await race.store.find_by_orders([buyer.order.id], None)
    order_id = ORDER.format(buyer.order.id)
    [intent] = [i for i in race.mock.provider.intents() if i["metadata"]["order_id"] == order_id]
    refunds = [refund["amount"] for refund in race.mock.provider.refunds(intent["id"])]
    published = await race.published(payment)
    where = f"seed {buyer.seed}: {buyer}, {payment}, {intent['status']}, {refunds}, {published}"
    if intent["status"] == "succeeded":
        assert payment.status is PaymentStatus.SUCCEEDED, where
        assert published["PaymentSucceeded"] == 1, where
        assert published["PaymentFailed"] == 0, where
        assert sum(refunds) == (0 if buyer.status == "CONFIRMED" else TOTAL.minor), where
        return f"charged, {buyer.status}"
    assert payment.status in (PaymentStatus.FAILED, PaymentStatus.CANCELLED), where
    assert (refunds, buyer.status, published["PaymentSucceeded"]) == ([], "CANCELLED", 0), where
    assert payment.client_secret == b"", where
    return f"not charged, {buyer.status}"
