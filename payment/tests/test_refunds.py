"""Refunds that somebody asks for: what may go back, once for each key; on the fake store and, raced, on PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from kit.auth import Principal, Role
from kit.db import Database, Migrations
from kit.db.fake import FakeDatabase
from kit.errors import InvalidArgument
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.values import Money
from payment.domain import Intent, IntentStatus, Payment
from payment.errors import IdempotencyConflict, NothingCaptured, PaymentNotFound, RefundExceedsCapture
from payment.events import TOPIC
from payment.ports import PaymentStore, RefundRequest
from payment.refund_domain import RefundStatus
from payment.refund_use_cases import Refunds
from payment.store import PostgresPaymentStore
from payment.tests.fakes import FakePaymentStore, FakeProvider, asked
from payment.use_cases import CancelledOrder, Payments

__all__ = ["database_url", "postgres"]

ADMIN = Principal(uuid4(), Role.ADMIN, uuid4())
OTHER_ADMIN = Principal(uuid4(), Role.ADMIN, uuid4())


@dataclass
class World:
    """The use cases, on a store, fake or real."""

    db: Any
    store: PaymentStore
    provider: FakeProvider
    clock: FakeClock

    @property
    def payments(self) -> Payments:
        return Payments(self.db, self.store, self.provider, default_method="", clock=lambda: self.clock.now)

    @property
    def refunds(self) -> Refunds:
        return Refunds(self.db, self.store, self.provider, clock=lambda: self.clock.now)

    async def captured(self, minor: int = 10_000, currency: str = "USD") -> Payment:
        payment = replace(asked(self.clock), amount=Money(minor, currency))
        intent_id = f"pi_{payment.key('create')}"
        self.provider.intents[intent_id] = Intent(intent_id, IntentStatus.SUCCEEDED)
        async with self.db.transaction() as tx:
            await self.store.add(tx, [payment])
            found = await self.store.lock(tx, payment.id)
            assert found
            found.learn(self.provider.intents[intent_id], self.clock.now)
            await self.store.save(tx, found)
        return payment

    async def give_back(
        self, payment_id: UUID, amount: str | None = None, key: str = "", caller: Principal = ADMIN
    ) -> Payment:
        wanted = None if amount is None else Decimal(amount)
        request = RefundRequest(payment_id, wanted, "damaged", key or uuid4().hex)
        return await self.refunds.give_back(caller, request)

    async def now(self, payment: Payment) -> Payment:
        [found] = await self.store.get_many([payment.id], None)
        return found

    async def work(self) -> None:
        """What the pool does, until nothing is due."""
        while due := await self.refunds.claim(10):
            await asyncio.gather(*map(self.refunds.make, due))
            self.clock.advance(seconds=60)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[World]:
    await Migrations("payment").apply(database_url)
    db = Database(database_url, publishes=TOPIC, pool_size=10)
    await db.open()
    yield World(db, PostgresPaymentStore(db), FakeProvider(), FakeClock())
    await db.close()


@pytest.fixture(params=["fake", "postgresql"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "postgresql":
        found: World = request.getfixturevalue("real")
        return found
    return World(FakeDatabase(), FakePaymentStore(), FakeProvider(), FakeClock())


async def test_a_part_goes_back_and_then_what_is_left(world: World) -> None:
    payment = await world.captured()
    assert (await world.give_back(payment.id, "10.00")).refundable == Money(9_000, "USD")
    await world.give_back(payment.id)
    await world.work()

    found = await world.now(payment)
    assert sorted(refund.amount.minor for refund in found.refunds) == [1_000, 9_000]
    assert found.refunded == found.amount
    assert {refund.reason for refund in found.refunds} == {"damaged"}
    assert sum(world.provider.refunded.values()) == 10_000


@pytest.mark.parametrize("amount", ["100.01", "9999999.99"])
async def test_more_than_was_captured_is_refused_and_says_what_is_left(world: World, amount: str) -> None:
    payment = await world.captured()
    with pytest.raises(RefundExceedsCapture) as refused:
        await world.give_back(payment.id, amount)
    assert [fault.path for fault in refused.value.fields] == [("amount",)]
    assert refused.value.details == {"refundable": "100.00"}
    assert (await world.now(payment)).refunds == []


async def test_when_all_is_on_its_way_back_there_is_nothing_left(world: World) -> None:
    payment = await world.captured()
    await world.give_back(payment.id)
    with pytest.raises(RefundExceedsCapture):
        await world.give_back(payment.id)
    with pytest.raises(RefundExceedsCapture):
        await world.give_back(payment.id, "0.01")


@pytest.mark.parametrize("amount", ["0", "0.00", "0.001", "10.005"])
async def test_an_amount_that_is_none_or_too_precise_is_named(world: World, amount: str) -> None:
    payment = await world.captured()
    with pytest.raises(InvalidArgument) as refused:
        await world.give_back(payment.id, amount)
    assert [fault.path for fault in refused.value.fields] == [("amount",)]


@pytest.mark.parametrize("amount", ["0.005", "1.001", "9.999"])
async def test_an_amount_off_its_currencys_step_is_refused_with_the_step(world: World, amount: str) -> None:
    payment = await world.captured(10_000, "KWD")
    with pytest.raises(InvalidArgument) as refused:
        await world.give_back(payment.id, amount)
    assert [(fault.path, fault.message) for fault in refused.value.fields] == [
        (("amount",), "must be a multiple of 0.010 KWD")
    ]
    assert (await world.give_back(payment.id, "1.010")).refundable == Money(8_990, "KWD")


async def test_what_was_never_captured_cannot_go_back(world: World) -> None:
    payment = asked(world.clock)
    async with world.db.transaction() as tx:
        await world.store.add(tx, [payment])
    with pytest.raises(NothingCaptured, match="PROCESSING"):
        await world.give_back(payment.id)
    with pytest.raises(PaymentNotFound):
        await world.give_back(uuid4())


async def test_a_key_stands_for_one_refund(world: World) -> None:
    payment, other = await world.captured(), await world.captured()
    await world.give_back(payment.id, "10.00", "k")
    again = await world.give_back(payment.id, "10", "k")
    assert len(again.refunds) == 1
    for payment_id, amount in ((payment.id, "10.01"), (payment.id, None), (other.id, "10.00")):
        with pytest.raises(IdempotencyConflict):
            await world.give_back(payment_id, amount, "k")
    assert (await world.now(other)).refunds == []
    # Another caller's key is another key.
    assert len((await world.give_back(payment.id, "10.00", "k", OTHER_ADMIN)).refunds) == 2


async def test_a_refused_key_is_free(world: World) -> None:
    payment = await world.captured()
    with pytest.raises(RefundExceedsCapture):
        await world.give_back(payment.id, "200.00", "k")
    assert len((await world.give_back(payment.id, "20.00", "k")).refunds) == 1


async def test_a_repeat_answers_the_payment_as_it_is_now(world: World) -> None:
    payment = await world.captured()
    await world.give_back(payment.id, "10.00", "k")
    await world.work()
    assert [refund.status for refund in (await world.give_back(payment.id, "10.00", "k")).refunds] == [
        RefundStatus.SUCCEEDED
    ]


async def test_20_refunds_of_a_tenth_at_once_give_back_the_whole_and_no_more(real: World) -> None:
    payment = await real.captured()
    answers = await asyncio.gather(
        *(real.give_back(payment.id, "10.00") for _ in range(20)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, RefundExceedsCapture)]
    assert len(refused) == 10
    await real.work()
    assert (await real.now(payment)).refunded == Money(10_000, "USD")
    assert sum(real.provider.refunded.values()) == 10_000


async def test_50_calls_with_one_key_are_one_refund(real: World) -> None:
    payment = await real.captured()
    answers = await asyncio.gather(*(real.give_back(payment.id, "10.00", "k") for _ in range(50)))
    assert {len(answer.refunds) for answer in answers} == {1}
    assert len((await real.now(payment)).refunds) == 1


async def test_one_key_for_two_payments_at_once_is_one_refund_of_one_of_them(real: World) -> None:
    first, second = await real.captured(), await real.captured()
    answers = await asyncio.gather(
        *(real.give_back(each.id, "10.00", "k") for each in (first, second) * 5), return_exceptions=True
    )
    assert sum(isinstance(answer, IdempotencyConflict) for answer in answers) == 5
    made = [len((await real.now(each)).refunds) for each in (first, second)]
    assert sorted(made) == [0, 1]


async def test_a_refund_raced_with_the_end_of_its_order_never_exceeds_the_capture(real: World) -> None:
    for _ in range(10):
        payment = await real.captured()

        async def end(payment: Payment = payment) -> None:
            async with real.db.transaction() as tx:
                ended = CancelledOrder(payment.order_id, payment.account_id, payment.amount)
                await real.payments.orders_cancelled(tx, [ended])

        await asyncio.gather(
            end(), *(real.give_back(payment.id, "30.00") for _ in range(4)), return_exceptions=True
        )
        await real.work()
        assert (await real.now(payment)).refunded == payment.amount


async def test_the_ledger_sums_to_zero_whatever_went_back(real: World) -> None:
    for amount in ("10.00", "99.99", None):
        payment = await real.captured()
        await real.give_back(payment.id, amount)
    await real.work()
    sums = await real.db.fetch("SELECT sum(amount) AS sum FROM ledger GROUP BY entry")
    assert len(sums) == 6
    assert {row["sum"] for row in sums} == {0}
    kept = "SELECT sum(amount) FROM ledger WHERE account = 'provider'"
    assert await real.db.fetchval(kept) == 30_000 - 1_000 - 9_999 - 10_000
