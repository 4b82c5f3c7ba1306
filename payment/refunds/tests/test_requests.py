"""Refunds that somebody asks for: what may go back, once for each key; on the fake store and, raced, on PostgreSQL."""

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from kit.auth import Principal, Role
from kit.db import Database
from kit.errors import InvalidArgument
from kit.testing.fixtures import database_url, postgres
from kit.values import Money
from payment.charges.orders import CancelledOrder
from payment.payments.domain import Intent, IntentStatus, Payment
from payment.payments.errors import NothingCaptured, PaymentNotFound, RefundExceedsCapture
from payment.payments.refund import RefundStatus
from payment.refunds.domain import RefundRequest
from payment.refunds.errors import IdempotencyConflict
from payment.tests.fakes import new_payment
from payment.tests.world import PostgresStores, World, stores

__all__ = ["database_url", "postgres", "stores"]

ADMIN = Principal(uuid4(), Role.ADMIN, uuid4())
OTHER_ADMIN = Principal(uuid4(), Role.ADMIN, uuid4())


@dataclass
class Refunding(World):
    """The use cases, on a store, fake or PostgreSQL's."""

    async def capture(self, minor: int = 10_000, currency: str = "USD") -> Payment:
        payment = replace(new_payment(self.clock), amount=Money(minor, currency))
        intent_id = f"pi_{payment.key('create')}"
        self.provider.intents[intent_id] = Intent(intent_id, IntentStatus.SUCCEEDED)
        async with self.db.transaction() as tx:
            await self.store.add(tx, [payment])
            stored = await self.store.lock(tx, payment.id)
            assert stored
            stored.apply_intent(self.provider.intents[intent_id], self.clock.now)
            await self.store.save(tx, stored)
        return payment

    async def refund(
        self, payment_id: UUID, amount: str | None = None, key: str = "", caller: Principal = ADMIN
    ) -> Payment:
        decimal = None if amount is None else Decimal(amount)
        request = RefundRequest(payment_id, decimal, "damaged", key or uuid4().hex)
        return await self.refunds.refund_payment(caller, request)

    async def current(self, payment: Payment) -> Payment:
        [stored] = await self.store.get_many([payment.id], None)
        return stored

    async def make_refunds(self) -> None:
        """Runs the worker until no refund is due."""
        while due := await self.refunds.claim(10):
            await asyncio.gather(*map(self.refunds.make, due))
            self.clock.advance(seconds=60)


@pytest.fixture
def postgres_world(stores: tuple[Database, PostgresStores]) -> Refunding:
    return Refunding(*stores)


@pytest.fixture(params=["fake", "postgresql"])
def world(request: pytest.FixtureRequest) -> Refunding:
    if request.param == "postgresql":
        postgres: Refunding = request.getfixturevalue("postgres_world")
        return postgres
    return Refunding()


async def test_a_part_goes_back_and_then_what_is_left(world: Refunding) -> None:
    payment = await world.capture()
    assert (await world.refund(payment.id, "10.00")).refundable == Money(9_000, "USD")
    await world.refund(payment.id)
    await world.make_refunds()

    found = await world.current(payment)
    assert sorted(refund.amount.minor for refund in found.refunds) == [1_000, 9_000]
    assert found.refunded == found.amount
    assert {refund.reason for refund in found.refunds} == {"damaged"}
    assert sum(world.provider.refunded.values()) == 10_000


@pytest.mark.parametrize("amount", ["100.01", "9999999.99"])
async def test_more_than_was_captured_is_refused_and_says_what_is_left(world: Refunding, amount: str) -> None:
    payment = await world.capture()
    with pytest.raises(RefundExceedsCapture) as refused:
        await world.refund(payment.id, amount)
    assert [fault.path for fault in refused.value.fields] == [("amount",)]
    assert refused.value.details == {"refundable": "100.00"}
    assert (await world.current(payment)).refunds == []


async def test_when_all_is_on_its_way_back_there_is_nothing_left(world: Refunding) -> None:
    payment = await world.capture()
    await world.refund(payment.id)
    with pytest.raises(RefundExceedsCapture):
        await world.refund(payment.id)
    with pytest.raises(RefundExceedsCapture):
        await world.refund(payment.id, "0.01")


@pytest.mark.parametrize("amount", ["0", "0.00", "0.001", "10.005"])
async def test_an_amount_that_is_none_or_too_precise_is_named(world: Refunding, amount: str) -> None:
    payment = await world.capture()
    with pytest.raises(InvalidArgument) as refused:
        await world.refund(payment.id, amount)
    assert [fault.path for fault in refused.value.fields] == [("amount",)]


@pytest.mark.parametrize("amount", ["0.005", "1.001", "9.999"])
async def test_an_amount_off_its_currencys_step_is_refused_with_the_step(
    world: Refunding, amount: str
) -> None:
    payment = await world.capture(10_000, "KWD")
    with pytest.raises(InvalidArgument) as refused:
        await world.refund(payment.id, amount)
    assert [(fault.path, fault.message) for fault in refused.value.fields] == [
        (("amount",), "must be a multiple of 0.010 KWD")
    ]
    assert (await world.refund(payment.id, "1.010")).refundable == Money(8_990, "KWD")


async def test_what_was_never_captured_cannot_go_back(world: Refunding) -> None:
    payment = new_payment(world.clock)
    async with world.db.transaction() as tx:
        await world.store.add(tx, [payment])
    with pytest.raises(NothingCaptured, match="PROCESSING"):
        await world.refund(payment.id)
    with pytest.raises(PaymentNotFound):
        await world.refund(uuid4())


async def test_a_key_stands_for_one_refund(world: Refunding) -> None:
    payment, other = await world.capture(), await world.capture()
    await world.refund(payment.id, "10.00", "k")
    again = await world.refund(payment.id, "10", "k")
    assert len(again.refunds) == 1
    for payment_id, amount in ((payment.id, "10.01"), (payment.id, None), (other.id, "10.00")):
        with pytest.raises(IdempotencyConflict):
            await world.refund(payment_id, amount, "k")
    assert (await world.current(other)).refunds == []
    # Another caller's key is another key.
    assert len((await world.refund(payment.id, "10.00", "k", OTHER_ADMIN)).refunds) == 2


async def test_a_refused_key_is_free(world: Refunding) -> None:
    payment = await world.capture()
    with pytest.raises(RefundExceedsCapture):
        await world.refund(payment.id, "200.00", "k")
    assert len((await world.refund(payment.id, "20.00", "k")).refunds) == 1


async def test_a_repeat_answers_the_payment_as_it_is_now(world: Refunding) -> None:
    payment = await world.capture()
    await world.refund(payment.id, "10.00", "k")
    await world.make_refunds()
    assert [refund.status for refund in (await world.refund(payment.id, "10.00", "k")).refunds] == [
        RefundStatus.SUCCEEDED
    ]


async def test_20_refunds_of_a_tenth_at_once_give_back_the_whole_and_no_more(
    postgres_world: Refunding,
) -> None:
    payment = await postgres_world.capture()
    answers = await asyncio.gather(
        *(postgres_world.refund(payment.id, "10.00") for _ in range(20)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, RefundExceedsCapture)]
    assert len(refused) == 10
    await postgres_world.make_refunds()
    assert (await postgres_world.current(payment)).refunded == Money(10_000, "USD")
    assert sum(postgres_world.provider.refunded.values()) == 10_000


async def test_50_calls_with_one_key_are_one_refund(postgres_world: Refunding) -> None:
    payment = await postgres_world.capture()
    answers = await asyncio.gather(*(postgres_world.refund(payment.id, "10.00", "k") for _ in range(50)))
    assert {len(answer.refunds) for answer in answers} == {1}
    assert len((await postgres_world.current(payment)).refunds) == 1


async def test_one_key_for_two_payments_at_once_is_one_refund_of_one_of_them(
    postgres_world: Refunding,
) -> None:
    first, second = await postgres_world.capture(), await postgres_world.capture()
    answers = await asyncio.gather(
        *(postgres_world.refund(each.id, "10.00", "k") for each in (first, second) * 5),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, IdempotencyConflict) for answer in answers) == 5
    made = [len((await postgres_world.current(each)).refunds) for each in (first, second)]
    assert sorted(made) == [0, 1]


async def test_a_refund_raced_with_the_end_of_its_order_never_exceeds_the_capture(
    postgres_world: Refunding,
) -> None:
    for _ in range(10):
        payment = await postgres_world.capture()

        async def end(payment: Payment = payment) -> None:
            async with postgres_world.db.transaction() as tx:
                ended = CancelledOrder(payment.order_id, payment.account_id, payment.amount)
                await postgres_world.orders.orders_cancelled(tx, [ended])

        await asyncio.gather(
            end(), *(postgres_world.refund(payment.id, "30.00") for _ in range(4)), return_exceptions=True
        )
        await postgres_world.make_refunds()
        assert (await postgres_world.current(payment)).refunded == payment.amount


async def test_the_ledger_sums_to_zero_whatever_went_back(postgres_world: Refunding) -> None:
    for amount in ("10.00", "99.99", None):
        payment = await postgres_world.capture()
        await postgres_world.refund(payment.id, amount)
    await postgres_world.make_refunds()
    sums = await postgres_world.db.fetch("SELECT sum(amount) AS sum FROM ledger GROUP BY entry")
    assert len(sums) == 6
    assert {row["sum"] for row in sums} == {0}
    remaining = "SELECT sum(amount) FROM ledger WHERE account = 'provider'"
    assert await postgres_world.db.fetchval(remaining) == 30_000 - 1_000 - 9_999 - 10_000
