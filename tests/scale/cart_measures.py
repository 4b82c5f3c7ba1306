"""Every look-up, change and sweep of carts."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from uuid import UUID

from kit.db import Database, Transaction
from kit.values import Money
from order.cart_moves.store import PostgresMovingStore
from order.carts.domain import Addition, CartChange, NewLine
from order.carts.retention import cart_jobs, expiring
from order.carts.store import PostgresCartStore
from tests.scale.cart_rows import cart_id, cart_line_id, first_expiry
from tests.scale.measuring import Kind, Measure
from tests.scale.moments import moment, rolled_back, uuid
from tests.scale.retention_measures import growing
from tests.scale.world import MINUTE, World, account_id, order_id, product_id

_BATCH = 1000


def cart_measures(db: Database, world: World) -> Iterator[Measure]:
    """Measures of the order service's carts."""
    store, moving = PostgresCartStore(db), PostgresMovingStore()
    large, other = uuid(account_id(100)), uuid(account_id(102))
    now = moment(world.now)
    later = now + timedelta(days=180)
    keys = count()

    async def add(tx: Transaction) -> None:
        addition = Addition({}, (), f"key {next(keys)}", b"0123456789abcdef")
        assert await store.record_request(tx, large, addition, now) is None
        cart = await store.open(tx, large, "USD", now, later)
        await store.add_lines(tx, cart.id, [NewLine(uuid(product_id(1)), 1, Money(1_999, "USD"))], now)

    async def set_quantity(tx: Transaction) -> None:
        line_id = uuid(cart_line_id(100, 0))
        locked = await store.lock_line(tx, large, line_id, now, later)
        assert locked
        await store.set_quantity(tx, locked, line_id, 0)

    async def merge(tx: Transaction) -> None:
        carts = await moving.lock_open(tx, [large, other])
        await moving.merge_lines(tx, carts[other].id, carts[large].id)
        await moving.end_merged(tx, carts[other].id, carts[large].id, now, later)
        await moving.change_owner(tx, other, large)

    yield Measure("cart of an account", "20 lines", Kind.REQUEST, lambda: store.get(large))
    yield Measure("cart: add a line", "20 lines", Kind.REQUEST, rolled_back(db, add))
    yield Measure("cart: remove a line", "20 lines", Kind.REQUEST, rolled_back(db, set_quantity))
    note = CartChange(frozenset({"note"}), note="Ring twice")
    yield Measure("cart: change the note", "", Kind.REQUEST, lambda: store.change(large, note, now, later))
    yield Measure("carts: merge", "20 lines", Kind.REQUEST, rolled_back(db, merge))
    ordered: dict[UUID, UUID] = {uuid(cart_id(n)): uuid(order_id(n)) for n in range(100)}
    yield Measure(
        *("carts of cancelled orders, locked", "100", Kind.SWEEP),
        rolled_back(db, lambda tx: moving.lock_ordered(tx, ordered)),
    )
    start = moment(world.start), UUID(int=0)
    yield Measure(
        *("sweep: carts of cancelled orders", "a batch", Kind.SWEEP),
        rolled_back(db, lambda tx: moving.cancelled_orders(tx, start, _BATCH)),
    )
    yield Measure(
        *("account deleted: carts", "20 lines", Kind.REQUEST),
        rolled_back(db, lambda tx: moving.erase(tx, large)),
    )
    expired = growing(
        lambda keep: expiring(db, keep).prune, lambda n: first_expiry(world) + n * _BATCH * MINUTE
    )
    yield Measure("retention: carts.expired", "a batch", Kind.SWEEP, expired)
    for job in cart_jobs(db)[1:]:
        yield Measure(job.name.replace(".", ": ", 1), "none due", Kind.SWEEP, job.prune)
