"""Updating one variant, and listing the variants of products, on fakes and on PostgreSQL."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from catalog.options import OptionValue
from catalog.products.errors import ProductNotFound, VersionConflict
from catalog.variant_changes.tests.world import SIZES, World, database_url, declared, postgres, real, world
from catalog.variants.errors import VariantNotFound
from kit.errors import InvalidArgument
from kit.values import Money

__all__ = ["database_url", "postgres", "real", "world"]


async def test_an_updated_variant_raises_its_products_version_and_price_range(world: World) -> None:
    shirt = await world.product()
    await world.declare(shirt, SIZES, declared("S", minor=1000), declared("M", minor=1200, stock=4))
    medium = (await world.by_option(shirt))["M"].variant.id

    changed = await world.update(
        medium,
        price=Money(800, "USD"),
        compare_at=Money(1200, "USD"),
        sku="M-1",
        weight_grams=250,
        requires_shipping=False,
        max_per_order=3,
        expected_version=2,
    )

    terms = changed.variant.terms
    assert (terms.price, terms.compare_at, terms.sku, changed.free) == (
        Money(800, "USD"),
        Money(1200, "USD"),
        "M-1",
        4,
    )
    assert (terms.weight_grams, terms.requires_shipping, terms.max_per_order) == (250, False, 3)
    product = (await world.get(shirt)).product
    assert (product.version, product.price, product.price_max) == (3, Money(800, "USD"), Money(1000, "USD"))


async def test_updating_the_variant_of_a_simple_product_changes_the_product(world: World) -> None:
    mug = await world.product(sku="MUG-1")

    await world.update(mug, price=Money(500, "USD"), sku="")

    product = (await world.get(mug)).product
    assert (product.price, product.sku, product.version) == (Money(500, "USD"), "", 2)


async def test_zero_and_empty_clear_what_is_optional(world: World) -> None:
    mug = await world.product()
    await world.update(mug, compare_at=Money(2000, "USD"), sku="A", max_per_order=3)
    cleared = await world.update(mug, compare_at=Money(0, "USD"), sku="", max_per_order=0)
    terms = cleared.variant.terms
    assert (terms.compare_at, terms.sku, terms.max_per_order) == (None, "", None)


async def test_an_update_that_changes_nothing_keeps_the_version(world: World) -> None:
    mug = await world.product()
    await world.update(mug, price=Money(999, "USD"))
    assert (await world.get(mug)).product.version == 1


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"price": Money(0, "USD")}, ("price",)),
        ({"price": Money(1, "EUR")}, ("price",)),
        ({"compare_at": Money(999, "USD")}, ("compareAtPrice",)),
        ({"compare_at": Money(5000, "EUR")}, ("compareAtPrice",)),
        ({"sku": "x" * 65}, ("sku",)),
        ({"weight_grams": -1}, ("weightGrams",)),
        ({"max_per_order": 1_000_001}, ("maxPerOrder",)),
    ],
)
async def test_wrong_values_are_rejected_with_their_field(
    world: World, changes: Mapping[str, Any], path: tuple[str]
) -> None:
    mug = await world.product()
    with pytest.raises(InvalidArgument) as error:
        await world.update(mug, **changes)
    assert [violation.path for violation in error.value.fields] == [path]


async def test_unknown_and_deleted_variants_and_a_stale_version_are_rejected(world: World) -> None:
    shirt = await world.product()
    with pytest.raises(VariantNotFound):
        await world.update(uuid4(), sku="A")
    await world.declare(shirt, SIZES, declared("S"))
    with pytest.raises(VariantNotFound):
        await world.update(shirt, sku="A")
    with pytest.raises(VersionConflict):
        await world.update((await world.by_option(shirt))["S"].variant.id, sku="A", expected_version=1)


async def test_variants_are_listed_in_pages_in_their_declared_order(world: World) -> None:
    shirt = await world.product()
    await world.declare(shirt, SIZES, declared("M"), declared("S"), declared("L"))

    first = await world.variants.page(shirt, [], None, 2, count=True)
    last = first.items[-1].variant
    second = await world.variants.page(shirt, [], (last.position, last.id), 2, count=True)

    assert [item.variant.options[0].value for item in [*first.items, *second.items]] == ["M", "S", "L"]
    assert (first.has_next, first.total, second.has_next, second.total) == (True, 3, False, 3)


async def test_variants_are_filtered_by_options_in_any_spelling(world: World) -> None:
    shirt, mug = await world.product(), await world.product()
    options = {**SIZES, "Color": ("red", "blue")}
    combinations = [("S", "red"), ("S", "blue"), ("M", "red")]
    await world.declare(shirt, options, *(declared(*values) for values in combinations))

    async def matching(**options: str) -> list[tuple[str, ...]]:
        return [tuple(o.value for o in item.variant.options) for item in await world.all_of(shirt, **options)]

    assert await matching(size="s") == [("S", "red"), ("S", "blue")]
    assert await matching(SIZE="M", Color="RED") == [("M", "red")]
    assert await matching(Color="green") == await matching(Length="32") == []
    assert await world.all_of(mug, Size="S") == []
    pages = await world.variants.pages(
        [mug, uuid4(), shirt], [OptionValue("Color", "red")], None, 1, count=True
    )
    assert [(len(page.items), page.has_next, page.total) for page in pages] == [
        (0, False, 0),
        (0, False, 0),
        (1, True, 2),
    ]


async def test_an_unknown_product_has_no_list(world: World) -> None:
    with pytest.raises(ProductNotFound):
        await world.all_of(uuid4())
