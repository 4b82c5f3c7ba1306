"""Every list, look-up and sweep of the catalog's stores. Searches run in Elasticsearch and are not measured."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from uuid import UUID, uuid4

from catalog.categories.store import PostgresCategoryStore
from catalog.indexing.store import PostgresIndexSource
from catalog.products.store import PostgresProductStore
from catalog.reservations.domain import ReservationRequest
from catalog.reservations.store import PostgresReservationStore
from catalog.stock.store import PostgresStockStore
from catalog.variant_changes.store import PostgresVariantStore
from catalog.variants.domain import OptionPattern
from kit.db import Database
from kit.values import SoldId
from tests.scale.measuring import MAX_ROWS, Kind, Measure
from tests.scale.moments import moment, rolled_back, uuid
from tests.scale.retention_measures import catalog_retention
from tests.scale.world import MINUTE, VARIANT, World, order_id, product_id, scattered


def catalog_measures(db: Database, world: World) -> Iterator[Measure]:
    """Measures of the catalog."""
    yield from _products(db, world)
    yield from _variants(db, world)
    yield from _stock(db, world)
    yield from catalog_retention(db, world)


def _products(db: Database, world: World) -> Iterator[Measure]:
    store, source = PostgresProductStore(db), PostgresIndexSource(db)
    some = [uuid(product_id(number)) for number in range(1, world.products, max(1, world.products // 100))][
        :100
    ]
    middle = world.products // 2
    deep = (moment(world.start - (world.products - middle) * MINUTE), uuid(product_id(middle)))
    yield Measure("products: first page", "newest", Kind.REQUEST, lambda: store.list_newest(None, 101))
    yield Measure("products: deep page", "newest", Kind.REQUEST, lambda: store.list_newest(deep, 101))
    yield Measure("products by id", "100", Kind.REQUEST, lambda: store.get_many(some))
    # Counts every product that is for sale, by the index of categories alone.
    yield Measure(
        *("categories with counts", "", Kind.REQUEST, PostgresCategoryStore(db).list_with_counts),
        max_rows=MAX_ROWS + world.products,
    )
    yield Measure("index: rows", "100", Kind.SWEEP, lambda: source.rows(some))
    yield Measure("index: ids", "500", Kind.SWEEP, lambda: source.ids_after(some[50], 500))
    since = moment(world.now) - timedelta(minutes=2)
    yield Measure("index: changed in 2 minutes", "", Kind.SWEEP, lambda: source.changed_since(since))


def _variants(db: Database, world: World) -> Iterator[Measure]:
    store, stock, source = PostgresVariantStore(db), PostgresStockStore(db), PostgresIndexSource(db)
    products = [uuid(product_id(number)) for number in range(5, world.products, 10)]
    one, ids = products[3], [uuid(scattered(VARIANT, 5_000 + number)) for number in range(1, 101)]
    any_of_it: OptionPattern = (None, None, None)

    async def page(of: Sequence[UUID], pattern: OptionPattern, after: int = -1) -> None:
        await store.page(dict.fromkeys(of, pattern), (after, UUID(int=0)), 100)

    yield Measure("variants: first page", "of 1,000", Kind.REQUEST, lambda: page([one], any_of_it))
    yield Measure("variants: deep page", "of 1,000", Kind.REQUEST, lambda: page([one], any_of_it, 800))
    yield Measure(
        "variants: with an option", "25 of 1,000", Kind.REQUEST, lambda: page([one], ("7", None, None))
    )
    yield Measure(
        *("variants: first pages", "10 products of 1,000", Kind.REQUEST),
        lambda: page(products[:10], any_of_it),
        max_rows=4 * MAX_ROWS,
    )
    yield Measure(*("variants counted", "1,000", Kind.REQUEST), lambda: store.count({one: any_of_it}))
    yield Measure("variants by id", "100", Kind.REQUEST, lambda: store.get_many(ids))
    sold = [SoldId(variant_id, by_product=False) for variant_id in ids]
    yield Measure("variants priced", "100", Kind.REQUEST, lambda: store.price(sold))
    yield Measure(
        *("stock of products with options", "10 of 1,000", Kind.REQUEST),
        lambda: stock.sums(products[:10]),
        max_rows=4 * MAX_ROWS,
    )
    yield Measure(*("index: rows with options", "1 of 1,000", Kind.SWEEP), lambda: source.rows([one]))


def _stock(db: Database, world: World) -> Iterator[Measure]:
    stock, reservations = PostgresStockStore(db), PostgresReservationStore(db)
    some = [uuid(product_id(number)) for number in range(1, 101)]
    yield Measure("stock of products", "100", Kind.REQUEST, lambda: stock.free(some))
    yield Measure(
        *("stock adjustments of a product", "", Kind.REQUEST),
        lambda: stock.list_adjustments(uuid(product_id(7))),
    )
    now = moment(world.now)

    def request() -> ReservationRequest:
        quantities = {uuid(product_id(498)): 1, uuid(product_id(499)): 1}
        return ReservationRequest(uuid4(), quantities, None)

    yield Measure(
        *("reserve", "20 orders of 2 lines", Kind.REQUEST),
        lambda: reservations.reserve([request() for _ in range(20)], now, now + timedelta(minutes=15)),
    )
    some_orders = [uuid(order_id(number)) for number in range(0, world.orders, world.orders // 20)]
    yield Measure("reservations committed", "20", Kind.REQUEST, lambda: reservations.commit(some_orders, now))
    yield Measure(
        *("reservations released", "20", Kind.REQUEST),
        rolled_back(db, lambda tx: reservations.release(tx, some_orders, now)),
    )
    # Each run expires other reservations; earlier runs have released theirs.
    late = now + timedelta(hours=1)
    yield Measure("sweep: reservations expired", "20", Kind.SWEEP, lambda: reservations.expire(late, 20))
    yield Measure(
        *("sweep: availability changes", "500", Kind.SWEEP),
        rolled_back(db, lambda tx: stock.pop_availability_changes(tx, 500, now)),
    )
