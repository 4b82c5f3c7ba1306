"""Declaring the variants of a product, on fakes and on PostgreSQL."""

from uuid import uuid4

import pytest

from catalog.options import OptionValue, ProductOption
from catalog.products.domain import Changes
from catalog.products.errors import HasVariants, ProductNotFound, SkuTaken, VersionConflict
from catalog.variant_changes.tests.world import SIZES, World, database_url, declared, postgres, real, world
from catalog.variants.errors import VariantNotFound, VariantRequired
from kit.errors import InvalidArgument
from kit.values import VARIANT, Money

__all__ = ["database_url", "postgres", "real", "world"]


async def test_a_simple_product_has_one_variant_with_its_id(world: World) -> None:
    mug = await world.product(sku="MUG-1", stock=5)

    [only] = await world.all_of(mug)

    assert (only.variant.id, only.variant.product_id, only.variant.options) == (mug, mug, ())
    assert (only.variant.terms.price, only.variant.terms.sku, only.free) == (Money(999, "USD"), "MUG-1", 5)
    assert (await world.get(mug)).product.price_max == Money(999, "USD")


async def test_options_turn_the_only_variant_into_one_of_the_combinations_and_keep_its_stock(
    world: World,
) -> None:
    shirt = await world.product(sku="SHIRT", stock=5)

    product = await world.declare(
        shirt,
        SIZES,
        declared("S", minor=1200, sku="SHIRT-S", stock=3),
        declared("M", id=shirt, minor=1100, sku="SHIRT", stock=99),
    )

    assert (product.version, product.sku, product.price, product.price_max) == (
        2,
        "",
        Money(1100, "USD"),
        Money(1200, "USD"),
    )
    assert product.options == (ProductOption("Size", ("S", "M", "L")),)
    variants = await world.by_option(shirt)
    assert (variants["M"].variant.id, variants["M"].free) == (shirt, 5)
    assert (variants["S"].free, variants["S"].variant.terms.sku) == (3, "SHIRT-S")
    stored = await world.get(shirt)
    assert (stored.product, stored.stock, stored.available) == (product, 8, True)


async def test_the_public_sees_whether_any_variant_is_available_without_its_stock(world: World) -> None:
    shirt = await world.product(stock=0)
    await world.declare(shirt, SIZES, declared("S", id=shirt), declared("M", stock=1))
    medium = (await world.by_option(shirt))["M"].variant.id

    public = await world.products.get(shirt, quantities=False)
    assert (public.stock, public.available) == (None, True)
    await world.adjust(medium, -1)
    public = await world.products.get(shirt, quantities=False)
    assert (public.stock, public.available) == (None, False)


async def test_variants_are_found_by_id_then_by_options_and_the_others_are_deleted(world: World) -> None:
    shirt = await world.product()
    await world.declare(shirt, SIZES, declared("S", stock=1), declared("M", stock=2), declared("L", stock=3))
    before = await world.by_option(shirt)

    await world.declare(
        shirt, SIZES, declared("m"), declared("L", id=before["S"].variant.id), declared("S", stock=9)
    )

    after = await world.by_option(shirt)
    assert after["M"].variant.id == before["M"].variant.id
    assert after["L"].variant.id == before["S"].variant.id
    assert [after[size].free for size in ("M", "L", "S")] == [2, 1, 9]
    with pytest.raises(VariantNotFound):
        await world.variants.get(before["L"].variant.id)
    assert [item.variant.options[0].value for item in await world.all_of(shirt)] == ["M", "L", "S"]


async def test_renaming_and_reordering_options_keeps_the_variants(world: World) -> None:
    shirt = await world.product()
    colors = {"Color": ("red", "blue")}
    await world.declare(shirt, {**SIZES, **colors}, declared("S", "red"), declared("M", "blue"))
    ids = {item.variant.id for item in await world.all_of(shirt)}

    names = ("Grösse", "Color")
    await world.declare(
        shirt,
        {"Grösse": SIZES["Size"], **colors},
        declared("S", "red", names=names),
        declared("M", "blue", names=names),
    )
    assert {item.variant.id for item in await world.all_of(shirt)} == ids
    await world.declare(
        shirt,
        {**colors, "Grösse": SIZES["Size"]},
        declared("S", "red", names=names),
        declared("M", "blue", names=names),
    )

    variants = await world.all_of(shirt)
    assert {item.variant.id for item in variants} == ids
    assert variants[0].variant.options == (OptionValue("Color", "red"), OptionValue("Grösse", "S"))


async def test_variants_exchange_options_and_skus_in_one_declaration(world: World) -> None:
    shirt = await world.product()
    await world.declare(shirt, SIZES, declared("S", sku="A"), declared("M", sku="B"))
    before = await world.by_option(shirt)

    await world.declare(
        shirt,
        SIZES,
        declared("M", id=before["S"].variant.id, sku="B"),
        declared("S", id=before["M"].variant.id, sku="A"),
    )

    after = await world.by_option(shirt)
    assert after["M"].variant.id == before["S"].variant.id
    assert after["S"].variant.terms.sku == "A"


async def test_without_options_the_first_variant_comes_back_with_its_stock(world: World) -> None:
    shirt = await world.product(stock=5)
    await world.declare(shirt, SIZES, declared("S"), declared("M"))
    with pytest.raises(VariantNotFound):
        await world.variants.get(shirt)

    product = await world.declare(shirt, {}, declared(minor=700, sku="SHIRT"))

    assert (product.options, product.sku, product.price) == ((), "SHIRT", Money(700, "USD"))
    [only] = await world.all_of(shirt)
    assert (only.variant.id, only.free) == (shirt, 5)
    stored = await world.get(shirt)
    assert (stored.product, stored.stock, stored.product.price_max) == (product, 5, Money(700, "USD"))


async def test_the_same_declaration_again_changes_nothing(world: World) -> None:
    shirt = await world.product()
    first = await world.declare(shirt, SIZES, declared("S", stock=1), declared("M"))

    assert await world.declare(shirt, SIZES, declared("S", stock=7), declared("M")) == first
    assert (await world.by_option(shirt))["S"].free == 1


async def test_ids_of_other_products_and_of_deleted_variants_are_rejected(world: World) -> None:
    shirt, other = await world.product(), await world.product()
    await world.declare(shirt, SIZES, declared("S"))

    for wrong in (other, VARIANT.new(), shirt):
        with pytest.raises(InvalidArgument) as error:
            await world.declare(shirt, SIZES, declared("S"), declared("M", id=wrong))
        assert [violation.path for violation in error.value.fields] == [("variants", 1, "id")]
    with pytest.raises(InvalidArgument) as error:
        await world.declare(shirt, {}, declared(id=other))
    assert [violation.path for violation in error.value.fields] == [("variants", 0, "id")]


async def test_a_sku_belongs_to_one_living_variant_of_the_shop(world: World) -> None:
    mug, shirt, other = await world.product(sku="MUG-1"), await world.product(), await world.product()
    with pytest.raises(SkuTaken):
        await world.declare(shirt, SIZES, declared("S", sku="mug-1"))
    await world.declare(shirt, SIZES, declared("S", sku="SHIRT-S"), declared("M"))
    with pytest.raises(SkuTaken):
        await world.declare(other, SIZES, declared("S", sku="\uff53hirt-s"))
    with pytest.raises(SkuTaken):
        await world.product(sku="SHIRT-S")
    with pytest.raises(SkuTaken):
        await world.update((await world.by_option(shirt))["M"].variant.id, sku="shirt-S")
    await world.declare(shirt, SIZES, declared("M"))
    await world.update(mug, sku="SHIRT-S")
    assert (await world.get(mug)).product.sku == "SHIRT-S"


async def test_a_stale_version_another_currency_and_an_unknown_product_are_rejected(world: World) -> None:
    shirt = await world.product(price=Money(500, "JPY"))
    with pytest.raises(VersionConflict):
        await world.declare(shirt, SIZES, declared("S"), expected_version=2)
    with pytest.raises(InvalidArgument) as error:
        await world.declare(shirt, SIZES, declared("S"))
    assert [violation.path for violation in error.value.fields] == [("variants", 0, "price")]
    with pytest.raises(ProductNotFound):
        await world.declare(uuid4(), SIZES, declared("S"))


async def test_price_sku_and_stock_of_a_product_with_options_are_those_of_its_variants(world: World) -> None:
    shirt = await world.product(stock=5)
    await world.declare(shirt, SIZES, declared("S", id=shirt), declared("M", stock=0))

    for changes in (Changes.parse(price=Money(1, "USD")), Changes.parse(sku="A")):
        with pytest.raises(HasVariants):
            await world.products.update(world.admin, shirt, changes, expected_version=None)
    with pytest.raises(VariantRequired):
        await world.adjust(shirt, 1, by_product=True)
    changed = await world.adjust((await world.by_option(shirt))["M"].variant.id, -0)
    assert (changed.stock, changed.available) == (5, True)
    assert (await world.adjust(shirt, -5)).available is False
    with pytest.raises(VariantNotFound):
        await world.adjust(VARIANT.new(), 1)
    named = await world.products.update(world.admin, shirt, Changes.parse(name="Shirt"), expected_version=2)
    assert (named.product.name, named.product.price, named.stock) == ("Shirt", Money(1000, "USD"), 0)


async def test_a_deleted_product_has_no_variants(world: World) -> None:
    shirt = await world.product()
    await world.declare(shirt, SIZES, declared("S", sku="SHIRT-S"), declared("M"))
    small = (await world.by_option(shirt))["S"].variant.id

    await world.products.delete(world.admin, shirt)

    assert await world.variants.get_many([small]) == []
    assert (await world.product(sku="SHIRT-S")) != shirt


async def test_untracked_variants_are_available_and_count_nothing(world: World) -> None:
    shirt = await world.product()
    await world.declare(shirt, SIZES, declared("S", stock=0), declared("M"))
    product = await world.get(shirt)
    assert (product.stock, product.available) == (0, True)
    await world.declare(shirt, SIZES, declared("M"))
    product = await world.get(shirt)
    assert (product.stock, product.available) == (None, True)
