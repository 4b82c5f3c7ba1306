"""What the use cases save, emit, forget and refuse, with fakes of our own ports."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from catalog.domain import (
    Changes,
    ProductAvailabilityChanged,
    ProductCreated,
    ProductDeleted,
    ProductUpdated,
    Shown,
)
from catalog.errors import IdempotencyConflict, OutOfStock, ProductNotFound, SkuTaken, VersionConflict
from catalog.ports import Criteria, Sort
from catalog.stock_domain import ReservationState, Want, Wish
from catalog.stock_use_cases import Stock
from catalog.tests.fakes import (
    FakeCache,
    FakeProductStore,
    FakeSearch,
    FakeStockStore,
    draft,
)
from catalog.use_cases import Products
from kit.db.fake import FakeDatabase
from kit.errors import PermissionDenied
from kit.events import AdminActed
from kit.testing import FakeClock
from kit.testing.principals import FakeAdminVerifier, admin
from kit.values import ORDER, PRODUCT

EVERYTHING = Criteria("", None, None, None, None, Sort.RELEVANCE, 2, "", False)


class Shop:
    """The use cases with everything around them."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.db = FakeDatabase()
        self.store = FakeProductStore()
        self.stock_store = FakeStockStore(self.store)
        self.cache = FakeCache(self.store)
        self.search = FakeSearch()
        self.admins, self.boss = FakeAdminVerifier(), admin()
        db: Any = self.db
        self.products = Products(
            db, self.store, self.stock_store, self.cache, self.search, self.admins, clock=self.clock
        )
        self.stock = Stock(db, self.stock_store, reservation=timedelta(minutes=15), clock=self.clock)

    def told(self) -> list[object]:
        """The facts about products."""
        return [fact for fact in self.db.events if not isinstance(fact, AdminActed)]

    def acted(self) -> list[str]:
        """What the audit log hears."""
        return [fact.action for fact in self.db.events if isinstance(fact, AdminActed)]

    async def product(self, name: str = "Mug", **fields: Any) -> UUID:
        return (await self.products.create(self.boss, draft(name, **fields))).product.id

    async def change(self, product_id: UUID, *, expected_version: int | None = None, **fields: Any) -> Shown:
        changes = Changes.read(**fields)
        return await self.products.update(self.boss, product_id, changes, expected_version=expected_version)

    async def reserved(self, product_id: UUID, quantity: int = 1) -> UUID:
        return (await self.stock.reserve(wish(product_id, quantity))).order_id

    async def free(self, product_id: UUID) -> int | None:
        return (await self.products.get(product_id)).stock

    async def cancelled(self, order_id: UUID) -> None:
        async with self.db.transaction() as tx:
            await self.stock.orders_cancelled(tx, [order_id])


def wish(product_id: UUID, quantity: int = 1, *, order_id: UUID | None = None) -> Wish:
    return Wish.read(order_id or ORDER.new(), [Want(product_id, quantity)], None)


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_a_created_product_is_kept_and_told(shop: Shop) -> None:
    shown = await shop.products.create(shop.boss, draft("Mug", category="Kitchen & Home", stock=5))

    assert await shop.products.get(shown.product.id) == shown
    assert shown.stock == 5
    assert shop.told() == [ProductCreated(shown.product)]


async def test_a_product_without_a_number_is_not_counted(shop: Shop) -> None:
    assert await shop.free(await shop.product()) is None


async def test_a_product_finds_its_category_by_slug_or_makes_it_by_name(shop: Shop) -> None:
    await shop.product(category="Kitchen & Home")
    await shop.product(category="kitchen-home")

    assert [(each.name, count) for each, count in await shop.products.categories()] == [("Kitchen & Home", 2)]


async def test_every_write_is_told_to_the_audit_log_once(shop: Shop) -> None:
    product_id = await shop.product(stock=5)
    await shop.change(product_id, name="Cup")
    await shop.change(product_id, name="Cup")
    await shop.products.delete(shop.boss, product_id)

    verbs = ["create_product", "update_product", "delete_product"]
    assert shop.acted() == [f"catalog.{verb}" for verb in verbs]


async def test_a_taken_sku_is_refused_and_nothing_is_told(shop: Shop) -> None:
    await shop.product(sku="MUG-1")

    with pytest.raises(SkuTaken):
        await shop.product("Cup", sku="MUG-1")
    assert (len(shop.told()), shop.db.rollbacks) == (1, 1)


async def test_a_change_is_kept_told_and_forgotten_by_the_cache(shop: Shop) -> None:
    product_id = await shop.product(stock=5)

    shown = await shop.change(product_id, name="Cup", expected_version=1)

    assert await shop.products.get(product_id) == shown
    assert (shown.product.name, shown.product.version, shown.stock) == ("Cup", 2, 5)
    assert shop.told()[1:] == [ProductUpdated(shown.product)]
    assert shop.cache.forgotten == [product_id]


async def test_a_change_to_the_same_tells_nothing(shop: Shop) -> None:
    product_id = await shop.product(category="Kitchen")

    shown = await shop.change(product_id, name="Mug", category="kitchen")

    assert (shown.product.version, len(shop.told())) == (1, 1)


async def test_a_change_clears_the_category(shop: Shop) -> None:
    product_id = await shop.product(category="Kitchen")

    assert (await shop.change(product_id, category="")).product.category is None


async def test_a_change_of_a_version_that_is_gone_is_refused_and_tells_nothing(shop: Shop) -> None:
    product_id = await shop.product()
    await shop.change(product_id, name="Cup")

    with pytest.raises(VersionConflict) as refusal:
        await shop.change(product_id, name="Pot", expected_version=1)
    assert refusal.value.details == {"version": 2}
    assert (await shop.products.get(product_id)).product.name == "Cup"
    assert len(shop.told()) == 2


async def test_a_deleted_product_is_answered_once_more_and_then_gone(shop: Shop) -> None:
    product_id = await shop.product(sku="MUG-1", stock=5)

    shown = await shop.products.delete(shop.boss, product_id)

    assert (shown.product.id, shown.product.version, shown.stock) == (product_id, 1, 5)
    assert shop.told()[1:] == [ProductDeleted(product_id, 2)]
    assert shop.cache.forgotten == [product_id]
    with pytest.raises(ProductNotFound):
        await shop.products.get(product_id)
    await shop.product("Cup", sku="MUG-1")


async def test_what_is_not_there_can_neither_be_changed_nor_deleted_nor_read(shop: Shop) -> None:
    unknown = PRODUCT.new()

    for call in (
        shop.change(unknown, name="Cup"),
        shop.products.delete(shop.boss, unknown),
        shop.products.get(unknown),
    ):
        with pytest.raises(ProductNotFound):
            await call
    assert await shop.products.get_many([unknown]) == []


async def test_who_is_no_admin_any_more_changes_nothing(shop: Shop) -> None:
    product_id = await shop.product()
    shop.admins.demoted.add(shop.boss.account_id)

    for call in (
        shop.product("Cup"),
        shop.change(product_id, name="Cup"),
        shop.products.delete(shop.boss, product_id),
    ):
        with pytest.raises(PermissionDenied):
            await call
    assert (shop.db.commits, len(shop.store.products)) == (1, 1)


async def test_the_newest_come_first_and_a_page_tells_whether_more_follow(shop: Shop) -> None:
    for name in ("Mug", "Cup", "Pot"):
        await shop.product(name)
        shop.clock.advance(seconds=1)

    first, more = await shop.products.newest(None, 2)
    last = first[-1].product
    second, end = await shop.products.newest((last.create_time, last.id), 2)

    assert [shown.product.name for shown in first + second] == ["Pot", "Cup", "Mug"]
    assert (more, end) == (True, False)


async def test_what_is_found_is_shown_with_the_stock_of_the_table(shop: Shop) -> None:
    for stock in (0, 7, None):
        shop.search.products.append(shop.store.products[await shop.product(stock=stock)])

    page = await shop.products.search(EVERYTHING)

    assert [shown.stock for shown, _, _ in page.hits] == [0, 7]
    assert [cursor for _, cursor, _ in page.hits] == ["after Mug"] * 2
    assert page.has_next
    assert shop.search.asked == [EVERYTHING]


@pytest.mark.parametrize("size", [1, 60])
async def test_the_stock_of_a_list_is_asked_for_once_however_long_it_is(shop: Shop, size: int) -> None:
    for _ in range(size):
        shop.search.products.append(shop.store.products[await shop.product(stock=1)])
    shop.stock_store.asked.clear()

    page = await shop.products.search(replace(EVERYTHING, size=size))

    assert len(page.hits) == size
    assert [len(ids) for ids in shop.stock_store.asked] == [size]


async def test_a_wish_is_priced_and_held_for_a_while(shop: Shop) -> None:
    mug = await shop.product(stock=5)

    reservation = await shop.stock.reserve(wish(mug, 2))

    assert reservation.state is ReservationState.HELD
    assert reservation.expire_time == shop.clock.now + timedelta(minutes=15)
    assert [(line.name, line.quantity) for line in reservation.lines] == [("Mug", 2)]
    assert await shop.free(mug) == 3


async def test_wishes_together_are_each_answered_by_themselves(shop: Shop) -> None:
    mug = await shop.product(stock=3)

    outcomes = await shop.stock.reserve_many([wish(mug, 2), wish(mug, 2), wish(PRODUCT.new()), wish(mug)])

    assert [type(outcome).__name__ for outcome in outcomes] == [
        "Reservation",
        "OutOfStock",
        "ProductNotFound",
        "Reservation",
    ]
    assert await shop.free(mug) == 0


async def test_the_same_wish_is_answered_again_and_another_of_its_order_is_refused(shop: Shop) -> None:
    mug = await shop.product(stock=5)
    order_id = await shop.reserved(mug, 2)

    again = await shop.stock.reserve(wish(mug, 2, order_id=order_id))

    assert again.order_id == order_id
    with pytest.raises(IdempotencyConflict):
        await shop.stock.reserve(wish(mug, 3, order_id=order_id))
    assert await shop.free(mug) == 3


async def test_what_is_not_there_is_refused_and_nothing_is_taken(shop: Shop) -> None:
    mug = await shop.product(stock=1)

    with pytest.raises(OutOfStock):
        await shop.stock.reserve(wish(mug, 2))
    assert await shop.free(mug) == 1


async def test_a_commit_answers_where_the_reservation_stands(shop: Shop) -> None:
    mug = await shop.product(stock=5)
    held, released = await shop.reserved(mug), await shop.reserved(mug)
    await shop.stock.release(released)

    assert await shop.stock.commit(held) is ReservationState.COMMITTED
    assert await shop.stock.commit(held) is ReservationState.COMMITTED
    assert await shop.stock.commit(released) is ReservationState.RELEASED
    assert await shop.stock.commit(ORDER.new()) is None


async def test_a_cancelled_order_gives_back_what_it_held_or_bought_once(shop: Shop) -> None:
    mug = await shop.product(stock=5)
    held, sold = await shop.reserved(mug, 2), await shop.reserved(mug)
    await shop.stock.commit(sold)

    for order_id in (held, sold, held, sold):
        await shop.cancelled(order_id)

    assert await shop.free(mug) == 5
    assert await shop.stock.release(held) is ReservationState.RELEASED
    assert await shop.stock.release(sold) is ReservationState.RETURNED


async def test_an_order_that_was_cancelled_before_it_reserved_gets_nothing(shop: Shop) -> None:
    mug = await shop.product(stock=5)
    order_id = ORDER.new()
    await shop.cancelled(order_id)

    late = await shop.stock.reserve(wish(mug, order_id=order_id))

    assert late.state is ReservationState.RELEASED
    assert await shop.free(mug) == 5


async def test_what_is_held_too_long_is_given_back_however_much_it_is(shop: Shop) -> None:
    mug = await shop.product(stock=1000)
    for _ in range(450):
        await shop.reserved(mug)
    sold = await shop.reserved(mug)
    await shop.stock.commit(sold)

    shop.clock.advance(minutes=14, seconds=59)
    await shop.stock.expire()
    assert await shop.free(mug) == 549
    shop.clock.advance(seconds=1)
    await shop.stock.expire()
    assert await shop.free(mug) == 999


async def test_what_ran_out_and_came_back_is_told_as_it_is_now(shop: Shop) -> None:
    gone, back = await shop.product(stock=1), await shop.product(stock=1)
    await shop.reserved(gone)
    await shop.stock.release(await shop.reserved(back))
    made = len(shop.told())

    await shop.stock.tell_availability()
    await shop.stock.tell_availability()

    told = shop.told()[made:]
    assert sorted(told, key=repr) == sorted(
        [ProductAvailabilityChanged(gone, available=False), ProductAvailabilityChanged(back, available=True)],
        key=repr,
    )
