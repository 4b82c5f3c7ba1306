"""Every list, look-up and sweep of the order stores."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any
from uuid import UUID

from kit.db import Database
from order.closed_accounts.store import PostgresClosedAccountStore
from order.listing.ports import OrderFilter
from order.listing.store import PostgresListingStore
from order.orders.domain import Status
from order.orders.store import PostgresOrderStore
from order.writing.store import PostgresNewOrderStore
from tests.scale.cart_measures import cart_measures
from tests.scale.measuring import Kind, Measure
from tests.scale.moments import moment, rolled_back, uuid
from tests.scale.retention_measures import order_retention
from tests.scale.world import World, account_id, order_id

_PAGE = 101  # the largest page, and one row more that shows whether another page follows
_STATUSES: dict[str, tuple[Status, ...] | None] = {
    "any status": None,
    "PENDING": (Status.PENDING,),
    "CONFIRMED": (Status.CONFIRMED,),
    "SHIPPED": (Status.SHIPPED,),
    "DELIVERED": (Status.DELIVERED,),
    "CANCELLED": (Status.CANCELLED,),
    "PENDING or CONFIRMED": (Status.PENDING, Status.CONFIRMED),
    "SHIPPED or CANCELLED": (Status.SHIPPED, Status.CANCELLED),
    "every status": tuple(Status),
}


def order_measures(db: Database, world: World) -> Iterator[Measure]:
    """Measures of the order service."""
    store = PostgresListingStore(db)
    old, middle = moment(world.start) + timedelta(days=60), world.orders // 2
    deep = (moment(world.placed(middle)), uuid(order_id(middle)))
    accounts = {
        "all accounts": None,
        "one account": uuid(account_id(500)),
        "the largest": uuid(account_id(0)),
    }
    times: dict[str, Any] = {
        "any time": {},
        "one old week": {"created_after": old, "created_before": old + timedelta(days=7)},
        "since yesterday": {"created_after": moment(world.now) - timedelta(days=1)},
        "before an old day": {"created_before": old},
    }
    filters = {
        f"{who}, {status}, {when}": OrderFilter(
            account_id=accounts[who], statuses=_STATUSES[status], **times[when]
        )
        for who, status, when in product(accounts, _STATUSES, times)
    }
    for name, chosen in filters.items():
        yield Measure("orders: first page", name, Kind.REQUEST, partial(store.page, chosen, None, _PAGE))
    for name, chosen in filters.items():
        yield Measure("orders: deep page", name, Kind.REQUEST, partial(store.page, chosen, deep, _PAGE))
    for name, chosen in filters.items():
        yield Measure("orders: totalCount", name, Kind.REQUEST, partial(store.count, chosen))
    by_number = OrderFilter(number=1001)
    yield Measure(
        "orders: first page", "by number", Kind.REQUEST, partial(store.page, by_number, None, _PAGE)
    )
    yield from _by_account(store, world, filters)
    yield from _others(db, world)
    yield from cart_measures(db, world)
    yield from order_retention(db, world)


def _by_account(
    store: PostgresListingStore, world: World, filters: dict[str, OrderFilter]
) -> Iterator[Measure]:
    ids = [uuid(account_id(number)) for number in (0, *range(500, 500 + 19))]
    unbound = {name: chosen for name, chosen in filters.items() if chosen.account_id is None}
    for name, chosen in unbound.items():
        yield Measure(
            *("orders of 20 accounts: page", name, Kind.REQUEST),
            partial(store.page_by_account, chosen, ids, 21),
        )
    for name, chosen in unbound.items():
        yield Measure(
            *("orders of 20 accounts: totalCount", name, Kind.REQUEST),
            partial(store.count_by_account, chosen, ids),
        )


def _others(db: Database, world: World) -> Iterator[Measure]:
    store, placing, closed = PostgresOrderStore(db), PostgresNewOrderStore(db), PostgresClosedAccountStore(db)
    some, one = uuid(order_id(world.orders // 3)), uuid(account_id(500))
    yield Measure("order by id", "", Kind.REQUEST, lambda: store.get(some, None))
    buyer = uuid(account_id(world.account(world.orders // 3)))
    key = f"{world.orders // 3:032x}"
    yield Measure("order by idempotency key", "", Kind.REQUEST, lambda: placing.find_by_key(buyer, key))
    yield Measure(
        *("open orders of an account, locked", "", Kind.REQUEST),
        rolled_back(db, lambda tx: closed.lock_open(tx, one)),
    )
    yield Measure(
        *("account deleted: orders anonymized", "", Kind.REQUEST),
        rolled_back(db, lambda tx: closed.anonymize(tx, one)),
    )
    late = moment(world.now) + timedelta(hours=1)
    yield Measure(
        *("sweep: overdue orders", "100", Kind.SWEEP),
        rolled_back(db, lambda tx: store.lock_overdue(tx, late, 100)),
    )
    since = moment(world.now) - timedelta(days=1)
    yield Measure(
        *("sweep: orders of closed accounts", "1000", Kind.SWEEP),
        lambda: closed.closed_accounts_with_open_orders((since, UUID(int=0)), 1000),
    )
