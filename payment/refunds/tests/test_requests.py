"""Requests to refund: amounts, keys and races, on the fake store and on PostgreSQL."""

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from kit.auth import Principal, Role
from kit.db import Database
from kit.errors import IdempotencyConflict, InvalidArgument
from kit.testing.fixtures import database_url, postgres
from kit.values import Money
from payment.charges.orders import CancelledOrder
from payment.intents.domain import Intent, IntentStatus
from payment.payments.domain import Payment
from payment.payments.errors import NothingCaptured, PaymentNotFound, RefundExceedsCapture
from payment.payments.refund import RefundStatus
from payment.refunds.domain import RefundRequest
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


async def test_a_part_is_refunded_and_then_the_rest(world: Refunding) -> None:
    payment = await world.capture()
    assert (await world.refund(payment.id, "10.00")).refundable == Money(9_000, "USD")
    await world.refund(payment.id)
    await world.make_refunds()

    stored = await world.current(payment)
    assert sorted(refund.amount.minor for refund in stored.refunds) == [1_000, 9_000]
    assert stored.refunded == stored.amount
    assert {refund.reason for refund in stored.refunds} == {"damaged"}
    assert sum(world.provider.refunded.values()) == 10_000


@pytest.mark.parametrize("amount", ["100.01", "9999999.99"])
async def test_a_refund_larger_than_the_capture_is_rejected_with_the_refundable_amount(
    world: Refunding, amount: str
) -> None:
    payment = await world.capture()
    with pytest.raises(RefundExceedsCapture) as rejected:
        await world.refund(payment.id, amount)
    assert [fault.path for fault in rejected.value.fields] == [("amount",)]
    assert rejected.value.details == {"refundable": "100.00"}
    assert (await world.current(payment)).refunds == []


async def test_pending_refunds_reduce_the_refundable_amount(world: Refunding) -> None:
    payment = await world.capture()
    await world.refund(payment.id)
    with pytest.raises(RefundExceedsCapture, match="nothing is left to refund") as rejected:
        await world.refund(payment.id)
    assert rejected.value.fields == ()
    with pytest.raises(RefundExceedsCapture):
        await world.refund(payment.id, "0.01")


@pytest.mark.parametrize("amount", ["0", "0.00", "0.001", "10.005"])
async def test_a_zero_or_too_precise_amount_is_rejected(world: Refunding, amount: str) -> None:
    payment = await world.capture()
    with pytest.raises(InvalidArgument) as rejected:
        await world.refund(payment.id, amount)
    assert [fault.path for fault in rejected.value.fields] == [("amount",)]


@pytest.mark.parametrize("amount", ["0.005", "1.001", "9.999"])
async def test_an_amount_off_its_currencys_step_is_rejected_with_the_step(
    world: Refunding, amount: str
) -> None:
    payment = await world.capture(10_000, "KWD")
    with pytest.raises(InvalidArgument) as rejected:
        await world.refund(payment.id, amount)
    assert [(fault.path, fault.message) for fault in rejected.value.fields] == [
        (("amount",), "must be a multiple of 0.010 KWD")
    ]
    assert (await world.refund(payment.id, "1.010")).refundable == Money(8_990, "KWD")


async def test_a_payment_without_a_capture_cannot_be_refunded(world: Refunding) -> None:
    payment = new_payment(world.clock)
    async with world.db.transaction() as tx:
        await world.store.add(tx, [payment])
    with pytest.raises(NothingCaptured, match="PROCESSING"):
        await world.refund(payment.id)
    with pytest.raises(PaymentNotFound):
        await world.refund(uuid4())


async def test_a_key_identifies_one_refund(world: Refunding) -> None:
    payment, other = await world.capture(), await world.capture()
    await world.refund(payment.id, "10.00", "k")
    again = await world.refund(payment.id, "10", "k")
    assert len(again.refunds) == 1
    for payment_id, amount in ((payment.id, "10.01"), (payment.id, None), (other.id, "10.00")):
        with pytest.raises(IdempotencyConflict):
            await world.refund(payment_id, amount, "k")
    assert (await world.current(other)).refunds == []
    # The same key of another caller is a different key.
    assert len((await world.refund(payment.id, "10.00", "k", OTHER_ADMIN)).refunds) == 2


async def test_a_rejected_request_leaves_its_key_free(world: Refunding) -> None:
    payment = await world.capture()
    with pytest.raises(RefundExceedsCapture):
        await world.refund(payment.id, "200.00", "k")
    assert len((await world.refund(payment.id, "20.00", "k")).refunds) == 1


async def test_a_repeated_request_returns_the_current_payment(world: Refunding) -> None:
    payment = await world.capture()
    await world.refund(payment.id, "10.00", "k")
    await world.make_refunds()
    assert [refund.status for refund in (await world.refund(payment.id, "10.00", "k")).refunds] == [
        RefundStatus.SUCCEEDED
    ]


async def test_20_concurrent_refunds_of_a_tenth_refund_the_capture_and_no_more(
    postgres_world: Refunding,
) -> None:
    payment = await postgres_world.capture()
    results = await asyncio.gather(
        *(postgres_world.refund(payment.id, "10.00") for _ in range(20)), return_exceptions=True
    )
    rejected = [result for result in results if isinstance(result, RefundExceedsCapture)]
    assert len(rejected) == 10
    await postgres_world.make_refunds()
    assert (await postgres_world.current(payment)).refunded == Money(10_000, "USD")
    assert sum(postgres_world.provider.refunded.values()) == 10_000


async def test_50_concurrent_requests_with_one_key_make_one_refund(postgres_world: Refunding) -> None:
    payment = await postgres_world.capture()
    results = await asyncio.gather(*(postgres_world.refund(payment.id, "10.00", "k") for _ in range(50)))
    assert {len(result.refunds) for result in results} == {1}
    assert len((await postgres_world.current(payment)).refunds) == 1


async def test_one_key_used_for_two_payments_refunds_only_one(
    postgres_world: Refunding,
) -> None:
    first, second = await postgres_world.capture(), await postgres_world.capture()
    results = await asyncio.gather(
        *(postgres_world.refund(payment.id, "10.00", "k") for payment in (first, second) * 5),
        return_exceptions=True,
    )
    assert sum(isinstance(result, IdempotencyConflict) for result in results) == 5
    made = [len((await postgres_world.current(payment)).refunds) for payment in (first, second)]
    assert sorted(made) == [0, 1]


async def test_refunds_racing_with_a_cancellation_never_exceed_the_capture(
    postgres_world: Refunding,
) -> None:
    for _ in range(10):
        payment = await postgres_world.capture()

        async def end(payment: Payment = payment) -> None:
            async with postgres_world.db.transaction() as tx:
                cancelled = CancelledOrder(payment.order_id, payment.account_id, payment.amount)
                await postgres_world.orders.orders_cancelled(tx, [cancelled])

        await asyncio.gather(
            end(), *(postgres_world.refund(payment.id, "30.00") for _ in range(4)), return_exceptions=True
        )
        await postgres_world.make_refunds()
        assert (await postgres_world.current(payment)).refunded == payment.amount


async def test_the_ledger_sums_to_zero_after_refunds(postgres_world: Refunding) -> None:
    for amount in ("10.00", "99.99", None):
        payment = await postgres_world.capture()
        await postgres_world.refund(payment.id, amount)
    await postgres_world.make_refunds()
    sums = await postgres_world.db.fetch("SELECT sum(amount) AS sum FROM ledger GROUP BY entry")
    assert len(sums) == 6
    assert {row["sum"] for row in sums} == {0}
    remaining = "SELECT sum(amount) FROM ledger WHERE account = 'provider'"
    assert await postgres_world.db.fetchval(remaining) == 30_000 - 1_000 - 9_999 - 10_000
