"""Variants that change while they are sold, and as many variants as a product may have, on PostgreSQL."""

import time
from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

from catalog.products.errors import ProductNotFound, VersionConflict
from catalog.reservations.domain import Reservation, ReservationRequest
from catalog.reservations.errors import OutOfStock
from catalog.reservations.store import PostgresReservationStore
from catalog.tests.concurrently import concurrently, outcomes
from catalog.variant_changes.tests.world import SIZES, World, database_url, declared, postgres, real
from catalog.variants.errors import VariantRequired
from kit.errors import SoukError
from kit.values import VARIANT

__all__ = ["database_url", "postgres", "real"]


async def _buy(world: World, variant_id: UUID, *, by_product: bool = False) -> Reservation | SoukError:
    products = [variant_id] if by_product else []
    request = ReservationRequest.parse(uuid4(), [(variant_id, 1)], None, by_product=products)
    now = world.clock.now
    store = PostgresReservationStore(world.db)
    [outcome] = await store.reserve([request], now, now + timedelta(minutes=15))
    return outcome


async def test_options_are_added_and_removed_while_the_product_is_sold(real: World) -> None:
    shirt = await real.product(stock=100)
    sold: Counter[type] = Counter()

    async def buyer() -> None:
        for _ in range(20):
            by_product = await _buy(real, shirt, by_product=True)
            outcome = by_product if isinstance(by_product, Reservation) else await _buy(real, shirt)
            sold[type(outcome)] += 1

    async def administrator() -> None:
        for _ in range(10):
            await real.declare(shirt, SIZES, declared("S", id=shirt), declared("M", stock=5))
            await real.declare(shirt, {}, declared())

    await concurrently([administrator(), *(buyer() for _ in range(6))])

    # Both ids name the same variant all the time; it never sold more than it had.
    assert set(sold) <= {Reservation, OutOfStock, VariantRequired}
    assert sold[Reservation] == 100
    assert (await real.get(shirt)).stock == 0
    assert isinstance(await _buy(real, shirt), OutOfStock)


async def test_a_deleted_variant_is_not_sold_and_its_sibling_is(real: World) -> None:
    shirt = await real.product()
    await real.declare(shirt, SIZES, declared("S", stock=5), declared("M", stock=5))
    variants = await real.by_option(shirt)
    await real.declare(shirt, SIZES, declared("M"))

    assert isinstance(await _buy(real, variants["S"].variant.id), ProductNotFound)
    assert isinstance(await _buy(real, variants["M"].variant.id), Reservation)


async def test_of_concurrent_changes_of_one_version_one_is_made(real: World) -> None:
    shirt = await real.product()
    declarations = [
        real.declare(shirt, SIZES, declared("S", minor=1000 + turn), expected_version=1) for turn in range(10)
    ]
    results = await outcomes(declarations)
    assert Counter(map(type, results))[VersionConflict] == 9
    assert (await real.get(shirt)).product.version == 2


async def test_concurrent_updates_of_siblings_keep_the_price_range_right(real: World) -> None:
    shirt = await real.product()
    sizes = [str(number) for number in range(20)]
    await real.declare(shirt, {"Size": sizes}, *(declared(size, minor=1000) for size in sizes))
    ids = [item.variant.id for item in await real.all_of(shirt)]

    await concurrently(real.update(variant_id, weight_grams=turn + 1) for turn, variant_id in enumerate(ids))

    product = (await real.get(shirt)).product
    assert product.version == 2 + len(ids)
    row = await real.db.fetchrow(
        "SELECT min(price) AS low, max(price) AS high, sum(weight_grams) AS weight FROM variants"
        " WHERE product_id = $1 AND delete_time IS NULL",
        shirt,
    )
    assert (row["low"], row["high"], row["weight"]) == (product.price.minor, product.price_max.minor, 210)


async def test_2048_variants_are_declared_within_a_second_and_paged_within_50_ms(real: World) -> None:
    shirt = await real.product()
    values = [str(number) for number in range(64)]
    options = {"Size": values, "Color": values[:32]}
    variants = [
        declared(size, color, minor=1000 + number, sku=f"S{size}-{color}", stock=5)
        for number, (size, color) in enumerate((size, color) for size in values for color in values[:32])
    ]

    def seconds(start: float) -> float:
        return time.process_time() - start

    # Of this process; the statements' own time is bounded by the statement's timeout and measured in tests/scale.
    start = time.process_time()
    product = await real.declare(shirt, options, *variants)
    assert seconds(start) < 1
    assert (product.version, product.price_max.minor) == (2, 1000 + 2047)
    start = time.process_time()
    page = await real.variants.page(shirt, [], None, 100, count=True)
    assert seconds(start) < 0.05
    assert (len(page.items), page.total) == (100, 2048)
    assert (await real.get(shirt)).stock == 5 * 2048
    start = time.process_time()
    await real.declare(shirt, options, *variants[:1000])
    assert seconds(start) < 1
    assert (await real.get(shirt)).stock == 5000
    assert await real.variants.get_many([VARIANT.new()]) == []
