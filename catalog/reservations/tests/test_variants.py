"""Pricing and reserving the variants of products with options, on PostgreSQL."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import orjson
import pytest

from catalog.events import TOPIC
from catalog.options import OptionValue
from catalog.products.domain import Product
from catalog.products.errors import ProductNotFound
from catalog.products.store import PostgresProductStore
from catalog.products.tests.fakes import draft
from catalog.reservations.domain import PricedLine, Reservation, ReservationRequest
from catalog.reservations.errors import LineOverLimit, OutOfStock, TotalOutOfRange
from catalog.reservations.store import PostgresReservationStore
from catalog.tests.concurrently import concurrently
from catalog.variants.errors import VariantRequired
from catalog.variants.store import PostgresVariantReader
from kit.db import Database
from kit.errors import SoukError
from kit.testing import FakeClock
from kit.testing.fixtures import database_url, postgres
from kit.testing.migrated import migrated
from kit.values import PRODUCT, VARIANT, Money, SoldId

__all__ = ["database_url", "postgres"]

_OPTIONS = [{"name": "Size", "values": ["S", "M"]}, {"name": "Color", "values": ["red"]}]


@dataclass
class Shop:
    """A shirt in two sizes: S, the first variant, for 9.99, and M for 12.00."""

    db: Database
    store: PostgresReservationStore
    clock: FakeClock
    shirt: UUID
    medium: UUID

    async def reserve(
        self,
        *lines: tuple[UUID, int],
        order_id: UUID | None = None,
        by_product: Sequence[UUID] = (),
        limits_judged: bool = False,
    ) -> Reservation | SoukError:
        request = ReservationRequest.parse(
            order_id or uuid4(), lines, None, by_product=by_product, limits_judged=limits_judged
        )
        [outcome] = await self.store.reserve(
            [request], self.clock.now, self.clock.now + timedelta(minutes=15)
        )
        return outcome

    async def set_stock(self, variant_id: UUID, free: int) -> None:
        await self.db.execute("INSERT INTO stock VALUES ($1, $2)", variant_id, free)

    async def free(self, variant_id: UUID) -> int:
        free: int = await self.db.fetchval("SELECT free FROM stock WHERE product_id = $1", variant_id)
        return free


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Shop]:
    async with migrated(database_url, "catalog", publishes=TOPIC, pool_size=20) as db:
        clock, medium = FakeClock(), VARIANT.new()
        product, _ = Product.create(draft("Shirt"), None, clock.now)
        async with db.transaction() as tx:
            await PostgresProductStore(db).add(tx, product)
            await tx.execute(
                "UPDATE variants SET option_values = '{S,red}', option_key = 's', sku = 'S-1' WHERE id = $1",
                product.id,
            )
            await tx.execute(
                "INSERT INTO variants (id, product_id, position, option_values, option_key, sku, price, max_per_order, weight_grams)"
                " VALUES ($1, $2, 1, '{M,red}', 'm', 'M-1', 1200, 40, 250)",
                medium,
                product.id,
            )
            await tx.execute(
                "UPDATE products SET options = $2 WHERE id = $1", product.id, orjson.dumps(_OPTIONS).decode()
            )
        yield Shop(db, PostgresReservationStore(db), clock, product.id, medium)


async def test_a_reservation_has_price_sku_and_options_of_each_variant(shop: Shop) -> None:
    order_id = uuid4()

    held = await shop.reserve((shop.medium, 2), (shop.shirt, 1), order_id=order_id)

    assert isinstance(held, Reservation)
    red = OptionValue("Color", "red")
    assert held.lines == (
        PricedLine(
            shop.shirt, "Shirt", Money(1200, "USD"), 2, shop.medium, "M-1", (OptionValue("Size", "M"), red)
        ),
        PricedLine(
            shop.shirt, "Shirt", Money(999, "USD"), 1, shop.shirt, "S-1", (OptionValue("Size", "S"), red)
        ),
    )
    assert await shop.reserve(*[(shop.medium, 2), (shop.shirt, 1)], order_id=order_id) == held


async def test_a_line_of_a_release_before_variants_names_the_product_of_the_same_id(shop: Shop) -> None:
    order_id = uuid4()
    held = await shop.reserve((shop.shirt, 1), order_id=order_id)
    assert isinstance(held, Reservation)
    await shop.db.execute("UPDATE reservation_lines SET parent_product_id = NULL, sku = NULL, options = NULL")

    again = await shop.reserve((shop.shirt, 1), order_id=order_id)

    assert isinstance(again, Reservation)
    assert again.lines == (PricedLine(shop.shirt, "Shirt", Money(999, "USD"), 1, shop.shirt),)


async def test_a_product_with_options_is_not_sold_by_its_own_id(shop: Shop) -> None:
    rejection = await shop.reserve((shop.medium, 1), (shop.shirt, 1), by_product=[shop.shirt])
    assert isinstance(rejection, VariantRequired)
    assert [violation.path for violation in rejection.fields] == [("products", 1, "id")]


@pytest.mark.parametrize("by_product", [True, False])
async def test_a_product_whose_first_variant_was_deleted_needs_a_variant_too(
    shop: Shop, by_product: bool
) -> None:
    await shop.db.execute("UPDATE variants SET delete_time = now() WHERE id = $1", shop.shirt)
    rejection = await shop.reserve((shop.shirt, 1), by_product=[shop.shirt] if by_product else [])
    assert isinstance(rejection, VariantRequired if by_product else ProductNotFound)


async def test_unknown_and_deleted_variants_are_reported_by_line(shop: Shop) -> None:
    await shop.db.execute("UPDATE variants SET delete_time = now() WHERE id = $1", shop.medium)
    lines = [(shop.shirt, 1), (shop.medium, 1), (VARIANT.new(), 1)]
    rejection = await shop.reserve(*lines)
    assert isinstance(rejection, ProductNotFound)
    assert [violation.path for violation in rejection.fields] == [
        ("products", 1, "id"),
        ("products", 2, "id"),
    ]


async def test_no_variant_of_a_deleted_product_is_sold(shop: Shop) -> None:
    await shop.db.execute("UPDATE products SET delete_time = now() WHERE id = $1", shop.shirt)
    assert isinstance(await shop.reserve((shop.medium, 1)), ProductNotFound)


async def test_an_order_has_no_more_than_the_variants_limit(shop: Shop) -> None:
    rejection = await shop.reserve((shop.shirt, 500), (shop.medium, 41))
    assert isinstance(rejection, LineOverLimit)
    assert [violation.path for violation in rejection.fields] == [("products", 1, "quantity")]
    product, variant = PRODUCT.format(shop.shirt), VARIANT.format(shop.medium)
    line = {"product_id": product, "variant_id": variant, "requested": 41, "max_per_order": 40}
    assert rejection.details == {"lines": [line]}
    assert isinstance(await shop.reserve((shop.medium, 40)), Reservation)


async def test_the_providers_limits_are_left_to_a_caller_that_judges_them(shop: Shop) -> None:
    line = (shop.shirt, 200_000)
    assert isinstance(await shop.reserve(line), TotalOutOfRange)
    assert isinstance(await shop.reserve(line, limits_judged=True), Reservation)


async def test_two_hundred_buyers_of_the_last_fifty_while_the_sibling_sells_out(shop: Shop) -> None:
    await shop.set_stock(shop.shirt, 50)
    await shop.set_stock(shop.medium, 20)

    outcomes = await concurrently(
        shop.reserve((shop.medium if turn % 3 == 0 else shop.shirt, 1)) for turn in range(300)
    )

    sold: Counter[UUID] = Counter()
    for outcome in outcomes:
        if isinstance(outcome, Reservation):
            sold[outcome.lines[0].variant_id] += 1
        else:
            assert isinstance(outcome, OutOfStock)
    assert sold == {shop.shirt: 50, shop.medium: 20}
    assert (await shop.free(shop.shirt), await shop.free(shop.medium)) == (0, 0)


async def test_a_shortage_names_the_variant(shop: Shop) -> None:
    await shop.set_stock(shop.medium, 3)
    rejection = await shop.reserve((shop.medium, 4))
    assert isinstance(rejection, OutOfStock)
    product, variant = PRODUCT.format(shop.shirt), VARIANT.format(shop.medium)
    line = {"product_id": product, "variant_id": variant, "requested": 4, "available": 3}
    assert rejection.details == {"lines": [line]}


async def test_prices_are_read_without_reserving(shop: Shop) -> None:
    await shop.set_stock(shop.medium, 3)
    ids = [
        SoldId(shop.shirt, True),
        SoldId(VARIANT.new(), False),
        SoldId(shop.medium, False),
        SoldId(PRODUCT.new(), True),
    ]

    product, unknown, medium, no_product = await PostgresVariantReader(shop.db).price(ids)

    assert product is not None
    assert (product.product_id, product.variant_id, product.unit_price, product.name) == (
        shop.shirt,
        None,
        None,
        "Shirt",
    )
    assert unknown is no_product is None
    assert medium is not None
    assert (medium.product_id, medium.variant_id, medium.sku) == (shop.shirt, shop.medium, "M-1")
    assert medium.options == (OptionValue("Size", "M"), OptionValue("Color", "red"))
    assert (medium.unit_price, medium.weight_grams, medium.max_per_order) == (Money(1200, "USD"), 250, 40)
    assert (medium.free, await shop.free(shop.medium)) == (3, 3)
