"""Many reservations in one statement, on the fake and on PostgreSQL."""

from collections import Counter
from datetime import timedelta
from typing import Any

from catalog.reservations.domain import Reservation
from catalog.reservations.errors import OutOfStock
from catalog.reservations.store import PostgresReservationStore
from catalog.reservations.tests.stores import Stores, real, request, stores
from kit.db import Database
from kit.testing.fixtures import database_url, postgres
from kit.values import PRODUCT

__all__ = ["database_url", "postgres", "real", "stores"]


async def test_a_batch_takes_no_more_than_the_free_stock(stores: Stores) -> None:
    mug, cup = await stores.product(3), await stores.product(0)
    # The first is rejected for its cup, so its mugs are left for the others.
    requests = [request((mug, 2), (cup, 1)), request((mug, 2)), request((mug, 1)), request((mug, 1))]

    outcomes = await stores.reserve_many(requests)

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, True, True, False]
    assert await stores.free(mug) == 0


async def test_a_shortage_counts_what_earlier_requests_of_the_batch_took(
    stores: Stores,
) -> None:
    mug = await stores.product(5)
    outcomes = await stores.reserve_many([request((mug, 9)), request((mug, 4)), request((mug, 3))])

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, True, False]
    [last] = [outcome for outcome in outcomes[2:] if isinstance(outcome, OutOfStock)]
    assert last.details == {"lines": [{"product_id": PRODUCT.format(mug), "requested": 3, "available": 1}]}


async def test_a_request_that_only_rejected_requests_crowded_out_gets_all_its_lines(stores: Stores) -> None:
    mug, cup, pot = await stores.product(4), await stores.product(4), await stores.product(0)
    rejected = [request((mug, 3), (pot, 1)), request((cup, 3), (pot, 1))]
    outcomes = await stores.reserve_many(
        [*rejected, request((cup, 2), (mug, 2)), request((mug, 3)), request((cup, 2))]
    )

    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, False, True, False, True]
    assert [await stores.free(product) for product in (mug, cup)] == [2, 0]


async def test_of_requests_for_one_order_in_a_batch_the_first_creates_its_reservation(stores: Stores) -> None:
    mug = await stores.product(5)
    requests = [request((mug, 2))]
    requests.append(request((mug, 2), order_id=requests[0].order_id))

    first, second = await stores.reserve_many(requests)

    assert isinstance(first, Reservation)
    assert isinstance(second, Reservation)
    assert first == second
    assert (first.created, second.created) == (True, False)
    assert await stores.free(mug) == 3


class Counting:
    """A database that counts its statements."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.statements: list[str] = []

    async def fetch(self, sql: str, *args: Any) -> Any:
        self.statements.append(sql)
        return await self._db.fetch(sql, *args)


async def test_requests_of_a_batch_that_are_out_of_stock_are_retried_together(real: Stores) -> None:
    mug = await real.product(50)
    requests = [request((mug, 51)), *(request((mug, 1)) for _ in range(63))]
    counting = Counting(real.db)

    outcomes = await PostgresReservationStore(counting).reserve(  # type: ignore[arg-type]
        requests, real.clock.now, real.clock.now + timedelta(minutes=15)
    )

    assert Counter(map(type, outcomes)) == {Reservation: 50, OutOfStock: 14}
    assert [isinstance(outcome, Reservation) for outcome in outcomes] == [False, *[True] * 50, *[False] * 13]
    assert len(counting.statements) <= 4
