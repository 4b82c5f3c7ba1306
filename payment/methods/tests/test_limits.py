"""How often an account may try to save a method, and what concurrent calls may not exceed, on PostgreSQL and the Stripe mock."""

import asyncio
from contextvars import Context
from typing import Any
from uuid import uuid4

import pytest

from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from payment.intents.domain import MAX_DECLINES
from payment.methods.domain import MAX_METHODS
from payment.methods.errors import MethodLimit, MethodNotFound, TooManySetups
from payment.methods.tests.saving_world import (
    DECLINED,
    MAX_SETUPS,
    Saving,
    owner,
    together,
    world,
)
from payment.tests.world import stores

__all__ = ["database_url", "postgres", "stores", "world"]


async def test_a_setup_is_cancelled_after_ten_declines(world: Saving) -> None:
    buyer = owner()
    secret = await world.methods.start_saving(buyer)
    for _ in range(MAX_DECLINES - 1):
        await world.confirm(secret, DECLINED)
    world.clock.advance(seconds=6)
    await world.work()
    assert await world.db.fetchval("SELECT count(*) FROM saved_methods") == 1
    await world.confirm(secret, DECLINED)
    await world.work()
    assert await world.db.fetchval("SELECT count(*) FROM saved_methods") == 0
    assert (await world.confirm(secret))["error"]["code"] == "setup_intent_unexpected_state"


async def test_an_account_starts_a_limited_number_of_setups_in_an_hour(world: Saving) -> None:
    buyer = owner()
    for _ in range(MAX_SETUPS):
        await world.methods.start_saving(buyer)
        await world.db.execute("DELETE FROM saved_methods")
    with pytest.raises(TooManySetups):
        await world.methods.start_saving(buyer)
    await world.methods.start_saving(owner())
    world.clock.advance(hours=1)
    assert await world.methods.start_saving(buyer)


async def test_concurrent_setups_do_not_exceed_the_number_of_methods(world: Saving) -> None:
    buyer = owner()
    await world.open_setups(buyer, MAX_METHODS - 1)
    results = await together(*(world.methods.start_saving(buyer) for _ in range(4)))
    assert [type(result) for result in results].count(MethodLimit) == 3
    assert await world.db.fetchval("SELECT count(*) FROM saved_methods") == MAX_METHODS


@pytest.mark.parametrize("first", ["deletion", "checkout"])
async def test_a_checkout_while_its_account_is_deleted_saves_nothing(world: Saving, first: str) -> None:
    buyer = owner()
    async with world.db.transaction() as tx:
        if first == "deletion":
            await world.customers.accounts_deleted(tx, [buyer.account_id])
            second: asyncio.Task[Any] = asyncio.create_task(world.order(buyer, save=True), context=Context())
        else:
            await world.methods.payments_placed(tx, [(buyer.account_id, uuid4())])
            second = asyncio.create_task(world.close_account(buyer), context=Context())

        async def reached() -> bool:
            return second.done() or await world.waits_for_lock()

        await eventually(reached)
    await second
    assert await world.db.fetchval("SELECT count(*) FROM saved_methods") == 0


async def test_a_page_gets_no_secret_when_its_account_is_deleted_while_the_provider_is_asked(
    world: Saving,
) -> None:
    buyer = owner()
    create = world.stripe.v1.setup_intents.create_async

    async def create_and_delete(*args: object) -> object:
        created = await create(*args)
        await asyncio.create_task(world.close_account(buyer), context=Context())
        return created

    world.stripe.v1.setup_intents.create_async = create_and_delete
    with pytest.raises(MethodNotFound):
        await world.methods.start_saving(buyer)
    assert await world.db.fetchval("SELECT count(*) FROM saved_methods") == 0
