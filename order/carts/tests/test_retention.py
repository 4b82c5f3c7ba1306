"""Carts expire and are deleted in batches."""

from datetime import timedelta

from kit.testing.fixtures import database_url, postgres
from kit.testing.principals import customer
from kit.values import utc_now
from order.carts.retention import cart_jobs
from order.tests.cart_harness import CartHarness, carts

__all__ = ["carts", "database_url", "postgres"]


async def prune(carts: CartHarness) -> None:
    for job in cart_jobs(carts.db):
        await job.prune()


async def test_a_cart_expires_after_half_a_year_and_is_deleted_a_month_later(carts: CartHarness) -> None:
    mug, other = carts.prices.sell(), customer()
    carts.clock.now = utc_now() - timedelta(days=182)
    await carts.add({mug: 1})
    carts.clock.now = utc_now() - timedelta(days=178)
    await carts.add({mug: 1}, other)
    old = await carts.cart()

    await prune(carts)

    assert await carts.states() == {old.id: "EXPIRED", (await carts.cart(other)).id: "OPEN"}
    assert await carts.quantities() == {}
    left = await carts.db.fetchval("SELECT expire_time - now() FROM carts WHERE id = $1", old.id)
    assert timedelta(days=29) < left <= timedelta(days=30)
    await carts.db.execute("UPDATE carts SET expire_time = now() - interval '1 second' WHERE id = $1", old.id)
    await prune(carts)
    assert list(await carts.states()) == [(await carts.cart(other)).id]
    assert await carts.db.fetchval("SELECT count(*) FROM cart_lines") == 1


async def test_a_new_cart_can_be_opened_after_one_expired(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    carts.clock.now = utc_now() - timedelta(days=182)
    await carts.add({mug: 5})
    await prune(carts)
    carts.clock.now = utc_now()

    await carts.add({mug: 1})

    assert await carts.quantities() == {mug: 1}


async def test_keys_of_additions_are_kept_for_a_day(carts: CartHarness) -> None:
    mug = carts.prices.sell()
    for hours, key in ((25, "old"), (23, "recent")):
        carts.clock.now = utc_now() - timedelta(hours=hours)
        await carts.add({mug: 1}, key=key)

    await prune(carts)

    rows = await carts.db.fetch("SELECT request_id FROM cart_requests")
    assert [row["request_id"] for row in rows] == ["recent"]
