"""Saving methods, on PostgreSQL and the Stripe mock: by a page, at checkout, up to the limit, and until they are deleted."""

from dataclasses import replace
from uuid import uuid4

import pytest

from dev.stripe_mock.faults import Faults
from kit.auth import NotForGuests
from kit.errors import PermissionDenied
from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import admin
from payment.methods.domain import MAX_METHODS
from payment.methods.errors import MethodLimit, MethodNotFound
from payment.methods.tests.saving_world import (
    BANK_ASKS,
    DECLINED,
    Saving,
    name,
    owner,
    together,
    world,
)
from payment.tests.world import stores
from payment.webhooks.domain import WebhookEvent

__all__ = ["database_url", "postgres", "stores", "world"]


@pytest.mark.parametrize("webhook", ["arrives", "doubled", "lost"])
async def test_a_page_saves_a_card(world: Saving, webhook: str) -> None:
    buyer = owner()
    secret = await world.methods.start_saving(buyer)
    assert await world.saved(buyer) == []
    await world.confirm(secret)
    event = WebhookEvent(uuid4(), setup_id=secret.partition("_secret_")[0])
    for _ in range({"arrives": 1, "doubled": 2, "lost": 0}[webhook]):
        await world.store.setup_changed(event, world.clock.now)
    world.clock.advance(seconds=6 if webhook == "lost" else 0)
    await world.work()

    [method] = await world.saved(buyer)
    assert (method.brand, method.last4, method.exp_month, method.exp_year) == ("visa", "4242", 12, 2034)
    assert method.is_default
    assert await world.saved(owner()) == []


async def test_a_declined_card_is_followed_by_another_and_the_bank_is_asked(world: Saving) -> None:
    buyer = owner()
    secret = await world.methods.start_saving(buyer)
    assert (await world.confirm(secret, DECLINED))["error"]["code"] == "card_declined"
    await world.work()
    assert await world.saved(buyer) == []
    assert (await world.confirm(secret, BANK_ASKS))["status"] == "succeeded"
    await world.work()
    assert [method.last4 for method in await world.saved(buyer)] == ["3184"]


async def test_an_abandoned_setup_is_cancelled_after_an_hour(world: Saving) -> None:
    buyer = owner()
    secret = await world.methods.start_saving(buyer)
    await world.work(10, seconds=900)
    assert await world.db.fetchval("SELECT count(*) FROM saved_methods") == 0
    answer = await world.confirm(secret)
    assert answer["error"]["code"] == "setup_intent_unexpected_state"


async def test_an_account_has_ten_methods_and_no_more(world: Saving) -> None:
    buyer = owner()
    for _ in range(MAX_METHODS - 1):
        await world.save_card(buyer)
    last = await world.methods.start_saving(buyer)
    with pytest.raises(MethodLimit):
        await world.methods.start_saving(buyer)
    # What a checkout saves beyond the limit is forgotten again.
    order = await world.order(buyer, save=True)
    await world.confirm(last)
    await world.work(3)
    assert (await world.payment(order)).status == "SUCCEEDED"
    assert len(await world.saved(buyer)) == MAX_METHODS
    assert world.cards_at_provider(buyer) == MAX_METHODS


async def test_guests_save_nothing(world: Saving) -> None:
    with pytest.raises(NotForGuests):
        await world.methods.start_saving(replace(owner(), guest=True))


async def test_one_customer_is_made_for_concurrent_setups(world: Saving) -> None:
    buyer = owner()
    secrets = await together(*(world.methods.start_saving(buyer) for _ in range(5)))
    for secret in secrets:
        await world.confirm(secret)
    await world.work(2)
    assert len(await world.saved(buyer)) == 5
    assert len(world.mock.provider.methods.customers()) == 1


async def test_one_method_is_the_default_and_the_newest_follows_it(world: Saving) -> None:
    buyer = owner()
    first, second, third = [await world.save_card(buyer) for _ in range(3)]
    assert [m.id for m in await world.saved(buyer)] == [first.id, third.id, second.id]
    await together(*(world.methods.set_default(buyer, m.id) for m in (first, second, third) * 3))
    assert sum(method.is_default for method in await world.saved(buyer)) == 1
    await world.methods.set_default(buyer, second.id)
    await world.methods.delete(buyer, second.id)
    assert [(m.id, m.is_default) for m in await world.saved(buyer)] == [(third.id, True), (first.id, False)]
    await world.work()
    assert world.cards_at_provider(buyer) == 2
    assert await world.db.fetchval("SELECT count(*) FROM saved_methods") == 2


async def test_methods_are_their_owners(world: Saving) -> None:
    buyer, other = owner(), owner()
    method = await world.save_card(buyer)
    for call in (world.methods.set_default, world.methods.delete):
        with pytest.raises(MethodNotFound):
            await call(other, method.id)
    with pytest.raises(PermissionDenied):
        await world.methods.list_saved(other, [buyer.account_id])
    assert len(await world.methods.list_saved(admin(), [buyer.account_id])) == 1
    await world.methods.delete(buyer, method.id)
    with pytest.raises(MethodNotFound):
        await world.methods.delete(buyer, method.id)


@pytest.mark.parametrize("by_page", [False, True])
async def test_a_checkout_saves_what_it_charged(world: Saving, by_page: bool) -> None:
    buyer = owner()
    order = await world.order(buyer, "" if by_page else "pm_card_visa", save=True, by_page=by_page)
    await world.work()
    if by_page:
        await world.confirm(await world.secret(order))
    await world.work(3)
    assert (await world.payment(order)).status == "SUCCEEDED"
    [method] = await world.saved(buyer)
    assert (method.last4, method.is_default) == ("4242", True)
    # Charging it again, to be saved again, adds no other.
    again = await world.order(buyer, name(method), save=True)
    await world.work(4)
    assert (await world.payment(again)).status == "SUCCEEDED"
    assert len(await world.saved(buyer)) == 1


async def test_a_declined_checkout_saves_nothing(world: Saving) -> None:
    buyer = owner()
    order = await world.order(buyer, "pm_card_chargeDeclined", save=True)
    await world.work(3)
    assert (await world.payment(order)).status == "FAILED"
    assert await world.db.fetchval("SELECT count(*) FROM saved_methods") == 0


async def test_methods_of_a_deleted_account_are_removed_here_and_at_the_provider(world: Saving) -> None:
    buyer, other = owner(), owner()
    await world.save_card(buyer)
    await world.save_card(other)
    pending = await world.methods.start_saving(buyer)
    order = await world.order(buyer, save=True)
    for _ in range(2):
        await world.close_account(buyer)
    assert await world.saved(buyer) == []
    world.mock.api.faults = Faults(count=1, status=503)
    await world.work(4)

    assert world.cards_at_provider(buyer) == 0
    assert world.cards_at_provider(other) == 1
    assert (await world.payment(order)).status == "SUCCEEDED"
    assert "error" in await world.confirm(pending)
    with pytest.raises(MethodNotFound):
        await world.methods.start_saving(buyer)
    await world.work(3)
    row = await world.db.fetchrow(
        "SELECT provider_id, due_time FROM provider_customers WHERE account_id = $1", buyer.account_id
    )
    assert tuple(row or ()) == ("", None)
    assert await world.db.fetchval("SELECT count(*) FROM saved_methods") == 1


async def test_a_provider_that_fails_is_tried_again(world: Saving) -> None:
    buyer = owner()
    method = await world.save_card(buyer)
    await world.methods.delete(buyer, method.id)
    world.mock.api.faults = Faults(count=2, status=500)
    await world.work(4)
    assert world.cards_at_provider(buyer) == 0
    assert await world.db.fetchval("SELECT count(*) FROM saved_methods") == 0
