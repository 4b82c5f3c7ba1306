"""Payments that the buyer's page confirms, on fakes: the secret, declines that are not final, the time to pay."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from kit.auth import Principal, Role
from kit.testing import eventually
from kit.testing.principals import customer
from kit.values import Money, deadline
from payment.charges.orders import PlacedOrder
from payment.intents.domain import MAX_DECLINES, Confirmation, Intent, IntentStatus
from payment.page.errors import NotConfirmedByPage, PaymentNotReady
from payment.payments.domain import (
    Payment,
    PaymentActionRequired,
    PaymentFailed,
    PaymentRefunded,
    PaymentSucceeded,
)
from payment.payments.errors import PaymentNotFound
from payment.payments.status import PaymentStatus
from payment.provider.errors import ProviderUnavailable
from payment.tests.fakes import SEALER
from payment.tests.one_order import TOTAL, OneOrder, world
from payment.webhooks.domain import WebhookEvent

__all__ = ["world"]


async def start(world: OneOrder) -> Payment:
    return await world.start.start(Principal(world.account_id, Role.USER, uuid4()), world.order_id)


async def decline(world: OneOrder, code: str = "card_declined") -> None:
    """The page confirmed the intent and the card was declined; a webhook says so."""
    intent_id = world.payment.provider_id
    world.provider.set_intent(intent_id, Intent("", IntentStatus.DECLINED, code))
    await world.webhooks.receive(WebhookEvent(uuid4(), intent_id, failed=True))


async def test_the_owner_gets_the_secret_at_once_without_a_worker(world: OneOrder) -> None:
    await world.place_for_page()
    payment = await start(world)

    assert SEALER.unseal(payment.client_secret) == f"{payment.provider_id}_secret"
    assert payment.status is PaymentStatus.REQUIRES_ACTION
    assert world.provider.calls == ["create"]
    assert world.published() == [PaymentActionRequired]


async def test_a_repeated_start_returns_what_is_stored(world: OneOrder) -> None:
    await world.place_for_page()
    first = await start(world)
    assert await start(world) == first
    await world.work(2)
    assert (await start(world)).client_secret == first.client_secret
    assert world.provider.calls.count("create") == 1


async def test_a_start_waits_for_the_payment_that_the_orders_event_creates(world: OneOrder) -> None:
    looked, find = asyncio.Event(), world.store.find_by_orders

    async def find_and_record(*args: Any) -> Any:
        looked.set()
        return await find(*args)

    world.store.find_by_orders = find_and_record  # type: ignore[method-assign, assignment]
    starting = asyncio.create_task(start(world))
    await asyncio.wait_for(looked.wait(), 10)
    await world.place_for_page()
    assert (await starting).client_secret


async def test_without_its_event_the_payment_is_not_ready(world: OneOrder) -> None:
    token = deadline.set(asyncio.get_running_loop().time() + 0.6)
    try:
        with pytest.raises(PaymentNotReady):
            await start(world)
    finally:
        deadline.reset(token)


async def test_while_the_provider_is_down_the_payment_is_not_ready_and_no_lease_is_taken(
    world: OneOrder,
) -> None:
    await world.place_for_page()
    world.provider.is_down = True
    token = deadline.set(asyncio.get_running_loop().time() + 0.6)
    try:
        with pytest.raises(PaymentNotReady):
            await start(world)
    finally:
        deadline.reset(token)
    assert world.payment.attempts == 0
    assert world.provider.calls == []


async def test_a_failed_call_is_repeated_within_the_same_start(world: OneOrder) -> None:
    world.provider.errors = [ProviderUnavailable()]
    await world.place_for_page()
    starting = asyncio.create_task(start(world))
    await eventually(lambda: bool(world.provider.calls))
    world.clock.advance(seconds=1)
    assert (await starting).client_secret


async def test_another_accounts_payment_is_not_found(world: OneOrder) -> None:
    await world.place_for_page()
    with pytest.raises(PaymentNotFound):
        await world.start.start(customer(), world.order_id)


async def test_a_payment_that_the_server_confirms_is_not_started(world: OneOrder) -> None:
    await world.place()
    with pytest.raises(NotConfirmedByPage):
        await start(world)


async def test_the_server_never_confirms_what_the_page_confirms(world: OneOrder) -> None:
    await world.place_for_page()
    await world.work(5)
    assert "confirm" not in world.provider.calls
    assert world.payment.status is PaymentStatus.REQUIRES_ACTION


async def test_the_page_pays_and_the_webhook_completes_the_payment(world: OneOrder) -> None:
    await world.place_for_page()
    intent_id = (await start(world)).provider_id
    world.provider.set_intent(intent_id, Intent("", IntentStatus.SUCCEEDED))
    await world.webhooks.receive(WebhookEvent(uuid4(), intent_id))
    await world.work()

    assert world.published() == [PaymentActionRequired, PaymentSucceeded]
    paid = await start(world)
    assert (paid.status, paid.client_secret) == (PaymentStatus.SUCCEEDED, b"")


async def test_a_decline_is_shown_and_followed_by_another_card(world: OneOrder) -> None:
    await world.place_for_page()
    await start(world)
    await decline(world)
    await world.work()
    assert (world.payment.status, world.payment.failure_code) == (
        PaymentStatus.REQUIRES_ACTION,
        "card_declined",
    )
    assert world.published() == [PaymentActionRequired] * 2

    intent_id = world.payment.provider_id
    world.provider.set_intent(intent_id, Intent("", IntentStatus.SUCCEEDED))
    await world.webhooks.receive(WebhookEvent(uuid4(), intent_id))
    await world.work()
    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.SUCCEEDED, "")
    assert world.published() == [PaymentActionRequired, PaymentActionRequired, PaymentSucceeded]


async def test_a_declined_payment_fails_when_the_time_to_pay_ends(world: OneOrder) -> None:
    await world.place_for_page()
    await start(world)
    await decline(world, "insufficient_funds")
    await world.work(9)
    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.FAILED, "insufficient_funds")
    assert world.published()[-1] is PaymentFailed
    assert world.provider.calls[-1] == "cancel"


async def test_a_payment_without_a_try_is_cancelled_when_the_time_to_pay_ends(world: OneOrder) -> None:
    await world.place_for_page()
    await start(world)
    await world.work(9)
    assert (world.payment.status, world.payment.client_secret) == (PaymentStatus.CANCELLED, b"")
    assert world.published() == [PaymentActionRequired]


async def test_an_abandoned_authentication_after_a_decline_is_no_decline(world: OneOrder) -> None:
    await world.place_for_page()
    await start(world)
    await decline(world)
    await world.work()
    world.provider.set_intent(world.payment.provider_id, Intent("", IntentStatus.REQUIRES_ACTION))
    await world.work()
    assert world.payment.failure_code == ""
    await world.work(9)
    assert world.payment.status is PaymentStatus.CANCELLED


async def test_after_ten_declines_the_intent_is_cancelled(world: OneOrder) -> None:
    await world.place_for_page()
    await start(world)
    for number in range(1, MAX_DECLINES + 1):
        await decline(world)
        [leased] = await world.charges.claim(1)
        await world.charges.advance(leased)
        last = number == MAX_DECLINES
        assert world.payment.status is (PaymentStatus.FAILED if last else PaymentStatus.REQUIRES_ACTION)
    assert world.published()[-1] is PaymentFailed


async def test_declines_whose_webhooks_are_lost_count_when_the_intent_is_read(world: OneOrder) -> None:
    await world.place_for_page()
    intent_id = (await start(world)).provider_id
    for _ in range(MAX_DECLINES):
        assert world.payment.status is PaymentStatus.REQUIRES_ACTION
        world.provider.set_intent(intent_id, Intent("", IntentStatus.DECLINED, "card_declined"))
    await world.work(2)
    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.FAILED, "card_declined")


async def test_a_late_webhook_of_a_decline_that_was_read_is_not_counted_twice(world: OneOrder) -> None:
    await world.place_for_page()
    await start(world)
    for _ in range(MAX_DECLINES - 1):
        world.provider.set_intent(
            world.payment.provider_id, Intent("", IntentStatus.DECLINED, "card_declined")
        )
        await world.work()
        await world.webhooks.receive(WebhookEvent(uuid4(), world.payment.provider_id, failed=True))
        world.clock.advance(seconds=-60)
    await world.work()
    assert world.payment.status is PaymentStatus.REQUIRES_ACTION


@pytest.mark.parametrize("status", [IntentStatus.READY, IntentStatus.REQUIRES_ACTION])
async def test_after_ten_declines_a_further_attempt_at_the_bank_is_cancelled(
    world: OneOrder, status: IntentStatus
) -> None:
    await world.place_for_page()
    await start(world)
    for _ in range(MAX_DECLINES):
        await decline(world)
    world.provider.set_intent(world.payment.provider_id, Intent("", status))
    await world.work()
    assert (world.payment.status, world.payment.failure_code) == (PaymentStatus.FAILED, "card_declined")
    assert world.published()[-1] is PaymentFailed
    assert world.provider.calls[-1] == "cancel"


async def test_a_repeated_webhook_is_one_decline(world: OneOrder) -> None:
    await world.place_for_page()
    await start(world)
    event = WebhookEvent(uuid4(), world.payment.provider_id, failed=True)
    for _ in range(MAX_DECLINES):
        await world.webhooks.receive(event)
    assert world.payment.declines == 1


async def test_a_payment_of_a_cancelled_order_that_the_page_paid_is_refunded(world: OneOrder) -> None:
    await world.place_for_page()
    intent_id = (await start(world)).provider_id
    world.provider.set_intent(intent_id, Intent("", IntentStatus.SUCCEEDED))
    await world.cancel()
    await world.work(2)
    assert list(world.provider.refunded.values()) == [TOTAL.minor]
    assert world.published() == [PaymentActionRequired, PaymentSucceeded, PaymentRefunded]


@pytest.mark.parametrize("confirmation", list(Confirmation))
async def test_a_total_of_zero_is_paid_without_the_provider(
    world: OneOrder, confirmation: Confirmation
) -> None:
    free = PlacedOrder(world.order_id, world.account_id, Money.zero("USD"), "", world.clock.now, confirmation)
    for _ in range(2):
        async with world.db.transaction() as tx:
            await world.orders.orders_placed(tx, [free])
    await world.work(3)
    assert (world.payment.status, world.payment.captured.minor) == (PaymentStatus.SUCCEEDED, 0)
    assert world.published() == [PaymentSucceeded]
    assert world.provider.calls == []
    await world.cancel()
    await world.work(3)
    assert world.payment.refunds == []
    assert world.provider.calls == []
