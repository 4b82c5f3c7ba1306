"""Charging saved methods, on PostgreSQL and the Stripe mock: through the server's path, 3-D Secure included."""

import pytest

from kit.testing.fixtures import database_url, postgres
from kit.values import PAYMENT_METHOD
from payment.methods.tests.saving_world import BANK_ASKS, Saving, name, owner, world
from payment.payments.status import PaymentStatus
from payment.tests.world import stores

__all__ = ["database_url", "postgres", "stores", "world"]


async def test_a_saved_method_is_charged_for_its_account(world: Saving) -> None:
    buyer = owner()
    method = await world.save_card(buyer)
    orders = [await world.order(buyer, name(method)) for _ in range(2)]
    await world.work(2)
    for order in orders:
        assert (await world.payment(order)).status is PaymentStatus.SUCCEEDED


@pytest.mark.parametrize(("passes", "status"), [(True, "SUCCEEDED"), (False, "FAILED")])
async def test_the_bank_may_ask_the_buyer_who_pays_with_a_saved_method(
    world: Saving, passes: bool, status: str
) -> None:
    buyer = owner()
    method = await world.save_card(buyer, BANK_ASKS)
    order = await world.order(buyer, name(method))
    await world.work()
    waiting = await world.payment(order)
    assert waiting.status is PaymentStatus.REQUIRES_ACTION
    assert waiting.next_action_url
    answered = await world.page.get(waiting.next_action_url, params={"passes": str(passes).lower()})
    assert answered.status_code == 200
    await world.work(2)
    settled = await world.payment(order)
    assert (settled.status, settled.failure_code) == (status, "" if passes else "authentication_required")


@pytest.mark.parametrize("kind", ["unknown", "malformed", "deleted", "another account's"])
async def test_a_method_that_the_account_does_not_have_fails_the_payment(world: Saving, kind: str) -> None:
    buyer, other = owner(), owner()
    saved = await world.save_card(other if kind == "another account's" else buyer)
    if kind == "deleted":
        await world.methods.delete(buyer, saved.id)
    method = {
        "unknown": PAYMENT_METHOD.format(PAYMENT_METHOD.new()),
        "malformed": "pme_nothing",
    }.get(kind, name(saved))
    order = await world.order(buyer, method)
    await world.work(2)
    payment = await world.payment(order)
    assert (payment.status, payment.failure_code) == (PaymentStatus.FAILED, "processing_error")
