"""What the use cases of products save, emit, invalidate and reject."""

import pytest

from catalog.products.domain import ProductCreated, ProductDeleted, ProductUpdated
from catalog.products.errors import ProductNotFound, SkuTaken, VersionConflict
from catalog.products.tests.fakes import draft
from catalog.tests.shop import Shop
from kit.values import PRODUCT


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_a_created_product_is_saved_and_published(shop: Shop) -> None:
    created = await shop.products.create(shop.admin, draft("Mug", category="Kitchen & Home", stock=5))

    assert await shop.products.get(created.product.id) == created
    assert created.stock == 5
    assert shop.events() == [ProductCreated(created.product)]


async def test_the_stock_of_a_product_without_a_quantity_is_not_tracked(shop: Shop) -> None:
    assert await shop.free(await shop.product()) is None


async def test_a_product_finds_its_category_by_slug_or_creates_it_by_name(shop: Shop) -> None:
    await shop.product(category="Kitchen & Home")
    await shop.product(category="kitchen-home")

    [kitchen] = await shop.categories.list()
    assert (kitchen.category.name, kitchen.products) == ("Kitchen & Home", 2)


async def test_every_write_is_audited_once(shop: Shop) -> None:
    product_id = await shop.product(stock=5)
    await shop.change(product_id, name="Cup")
    await shop.change(product_id, name="Cup")
    await shop.products.delete(shop.admin, product_id)

    verbs = ["create_product", "update_product", "delete_product"]
    assert shop.audited_actions() == [f"catalog.{verb}" for verb in verbs]


async def test_a_taken_sku_is_rejected_and_nothing_is_published(shop: Shop) -> None:
    await shop.product(sku="MUG-1")

    with pytest.raises(SkuTaken):
        await shop.product("Cup", sku="MUG-1")
    assert (len(shop.events()), shop.db.rollbacks) == (1, 1)


async def test_a_change_is_saved_and_published_and_invalidates_the_cache(shop: Shop) -> None:
    product_id = await shop.product(stock=5)

    changed = await shop.change(product_id, name="Cup", expected_version=1)

    assert await shop.products.get(product_id) == changed
    assert (changed.product.name, changed.product.version, changed.stock) == ("Cup", 2, 5)
    assert shop.events()[1:] == [ProductUpdated(changed.product)]
    assert shop.cache.invalidated == [product_id]


async def test_a_change_without_effect_publishes_nothing(shop: Shop) -> None:
    product_id = await shop.product(category="Kitchen")

    unchanged = await shop.change(product_id, name="Mug", category="kitchen")

    assert (unchanged.product.version, len(shop.events())) == (1, 1)


async def test_a_change_can_clear_the_category(shop: Shop) -> None:
    product_id = await shop.product(category="Kitchen")

    assert (await shop.change(product_id, category="")).product.category is None


async def test_a_change_of_an_outdated_version_is_rejected_and_publishes_nothing(shop: Shop) -> None:
    product_id = await shop.product()
    await shop.change(product_id, name="Cup")

    with pytest.raises(VersionConflict) as conflict:
        await shop.change(product_id, name="Pot", expected_version=1)
    assert conflict.value.details == {"version": 2}
    assert (await shop.products.get(product_id)).product.name == "Cup"
    assert len(shop.events()) == 2


async def test_deleting_returns_the_product_and_then_it_is_not_found(shop: Shop) -> None:
    product_id = await shop.product(sku="MUG-1", stock=5)

    deleted = await shop.products.delete(shop.admin, product_id)

    assert (deleted.product.id, deleted.product.version, deleted.stock) == (product_id, 1, 5)
    assert shop.events()[1:] == [ProductDeleted(product_id, 2)]
    assert shop.cache.invalidated == [product_id]
    with pytest.raises(ProductNotFound):
        await shop.products.get(product_id)
    await shop.product("Cup", sku="MUG-1")


async def test_an_unknown_product_is_not_found_by_any_use_case(shop: Shop) -> None:
    unknown = PRODUCT.new()

    for call in (
        shop.change(unknown, name="Cup"),
        shop.products.delete(shop.admin, unknown),
        shop.products.get(unknown),
    ):
        with pytest.raises(ProductNotFound):
            await call
    assert await shop.products.get_many([unknown]) == []


async def test_products_are_listed_newest_first_in_pages(shop: Shop) -> None:
    for name in ("Mug", "Cup", "Pot"):
        await shop.product(name)
        shop.clock.advance(seconds=1)

    first, first_has_next = await shop.products.list_newest(None, 2)
    last = first[-1].product
    second, second_has_next = await shop.products.list_newest((last.create_time, last.id), 2)

    assert [row.product.name for row in first + second] == ["Pot", "Cup", "Mug"]
    assert (first_has_next, second_has_next) == (True, False)
