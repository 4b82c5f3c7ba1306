"""Repeated and concurrent changes of carts, on PostgreSQL."""

import asyncio

import pytest

from kit.errors import IdempotencyConflict, Unavailable
from kit.testing import eventually
from kit.testing.fixtures import database_url, postgres
from order.carts.errors import LineNotFound
from order.tests.cart_harness import CartHarness, carts

__all__ = ["carts", "database_url", "postgres"]

_IS_WAITED_FOR = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"


@pytest.mark.parametrize("quantity", [0, 3])
async def test_a_line_that_is_removed_just_before_it_is_changed_is_not_in_the_cart(
    carts: CartHarness, quantity: int
) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 1})
    line, locked = (await carts.cart()).lines[0], asyncio.Event()

    async def change() -> None:
        await locked.wait()
        await carts.carts.set_quantity(carts.caller, line.id, quantity)

    changing = asyncio.create_task(change())
    async with carts.db.transaction() as tx:
        cart_id = await carts.store.lock_line(
            tx, carts.caller.account_id, line.id, carts.clock.now, carts.clock.now
        )
        assert cart_id
        locked.set()
        await eventually(lambda: tx.fetchval(_IS_WAITED_FOR))
        await carts.store.set_quantity(tx, cart_id, line.id, 0)

    if quantity:
        with pytest.raises(LineNotFound):
            await changing
    else:
        await changing
    assert await carts.quantities() == {}
    assert (await carts.cart()).version == 2


async def test_a_repeated_addition_needs_no_catalog(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    await carts.add({mug: 3}, key="k")
    carts.prices.down = True

    await carts.add({mug: 3}, key="k")
    with pytest.raises(IdempotencyConflict):
        await carts.add({mug: 4}, key="k")
    with pytest.raises(Unavailable):
        await carts.add({mug: 3}, key="other")
    carts.prices.down = False
    carts.prices.delete(mug)
    await carts.add({mug: 3}, key="k")

    assert await carts.quantities() == {mug: 3}
    assert (await carts.cart()).version == 1
