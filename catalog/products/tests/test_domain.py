"""Rules of products, and every limit of their inputs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.categories.domain import Category
from catalog.identities import sku_identity
from catalog.products.domain import (
    Changes,
    Draft,
    Product,
    ProductCreated,
    ProductDeleted,
    ProductUpdated,
    ProductWithStock,
)
from catalog.products.errors import VersionConflict
from kit.errors import InvalidArgument
from kit.values import Money

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
KITCHEN = Category.from_name("Kitchen")
URL = "https://cdn.test/" + "a" * (2000 - len("https://cdn.test/"))


def draft(**fields: Any) -> Draft:
    return Draft.parse(**{"name": "Mug", "description": "Steel", "price": Money(999, "USD"), **fields})


def create(**fields: Any) -> Product:
    product, _ = Product.create(draft(**fields), KITCHEN, NOW)
    return product


def changed(product: Product, new_category: Category | None = None, **fields: Any) -> Product:
    after, _ = product.change(Changes.parse(**fields), new_category, LATER, expected_version=None)
    return after


AT_THE_LIMIT = [
    {"name": "m"},
    {"name": "m" * 200},
    {"description": ""},
    {"description": "d" * 20_000},
    {"description": "two\nlines\tand a tab"},
    {"sku": "s" * 64},
    {"category": "c" * 100},
    {"image_urls": ["https://cdn.test/mug.png"] * 20},
    {"image_urls": [URL]},
    {"price": Money(1, "USD")},
    {"price": Money(999_999_999_999, "USD")},
    {"price": Money(9_999_999_999, "JPY")},
]
BEYOND_THE_LIMIT: list[tuple[dict[str, Any], tuple[str | int, ...]]] = [
    ({"name": ""}, ("name",)),
    ({"name": " \t "}, ("name",)),
    ({"name": "m" * 201}, ("name",)),
    ({"name": "Mu\0g"}, ("name",)),
    ({"name": "Mu\ng"}, ("name",)),
    ({"description": "d" * 20_001}, ("description",)),
    ({"description": "d\0"}, ("description",)),
    ({"sku": "s" * 65}, ("sku",)),
    ({"category": "c" * 101}, ("category",)),
    ({"category": "-- !"}, ("category",)),
    ({"image_urls": ["https://cdn.test/mug.png"] * 21}, ("images",)),
    ({"image_urls": ["https://cdn.test/mug.png", "/mug.png"]}, ("images", 1)),
    ({"image_urls": ["ftp://cdn.test/mug.png"]}, ("images", 0)),
    ({"image_urls": ["javascript:alert(1)"]}, ("images", 0)),
    ({"image_urls": [URL + "a"]}, ("images", 0)),
    ({"price": Money(0, "USD")}, ("price",)),
    ({"price": Money(-1, "USD")}, ("price",)),
    ({"price": Money(1_000_000_000_000, "USD")}, ("price",)),
    ({"price": Money(10_000_000_000, "JPY")}, ("price",)),
]


@pytest.mark.parametrize("fields", AT_THE_LIMIT)
def test_values_at_a_limit_are_accepted(fields: dict[str, Any]) -> None:
    draft(**fields)
    Changes.parse(**fields)


@pytest.mark.parametrize(("fields", "path"), BEYOND_THE_LIMIT)
@pytest.mark.parametrize("parse", [draft, Changes.parse])
def test_values_beyond_a_limit_are_rejected_by_field(
    parse: Any, fields: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    with pytest.raises(InvalidArgument) as error:
        parse(**fields)
    assert [violation.path for violation in error.value.fields] == [path]


@pytest.mark.parametrize("stock", [None, 0, 1_000_000_000])
def test_stock_is_untracked_or_a_quantity(stock: int | None) -> None:
    assert draft(stock=stock).stock == stock


@pytest.mark.parametrize("stock", [-1, 1_000_000_001])
def test_stock_below_zero_or_above_a_billion_is_rejected(stock: int) -> None:
    with pytest.raises(InvalidArgument) as error:
        draft(stock=stock)
    assert [violation.path for violation in error.value.fields] == [("stock",)]


def test_all_violations_are_reported_at_once() -> None:
    with pytest.raises(InvalidArgument) as error:
        draft(name="", price=Money(0, "USD"), sku="s" * 65, category="!", image_urls=["x"], stock=-1)

    paths = [violation.path[0] for violation in error.value.fields]
    assert paths == ["name", "price", "sku", "category", "images", "stock"]


@pytest.mark.parametrize("field", ["name", "category"])
@pytest.mark.parametrize("hidden", ["\u202e", "\u2028", "\u3164", "\u2800", "\u00ad", "\u200d"])
def test_names_with_hidden_characters_are_rejected_naming_the_character(field: str, hidden: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        draft(**{field: f"Mug{hidden}s"})
    [violation] = error.value.fields
    assert violation.path == (field,)
    assert f"U+{ord(hidden):04X}" in violation.message


@pytest.mark.parametrize("field", ["name", "category"])
def test_names_are_accepted_in_every_script(field: str) -> None:
    for name in ("\u0db6\u0dca\u200d\u0dbb", "\u0e01\u0e34\u0e19", "Booking.com \u2764\ufe0f"):
        assert getattr(draft(**{field: name}), field) == name


def test_texts_are_trimmed_and_composed() -> None:
    parsed = draft(name="  Cafe\u0301 ", sku=" MUG-1 ", category=" Kitchen ")

    assert (parsed.name, parsed.sku, parsed.category) == ("Café", "MUG-1", "Kitchen")


def test_invisible_characters_are_removed_from_a_sku() -> None:
    assert draft(sku="Abc\u200b").sku == "Abc"
    assert sku_identity("AB-1") != sku_identity("A-B1")


@pytest.mark.parametrize("sku", ["\u200b", "\u202e", "\u00ad", "\U000e0041", "\u200b" * 65, " ", "\u3000"])
def test_a_sku_without_visible_characters_is_empty(sku: str) -> None:
    for parse in (partial(draft, sku=sku), partial(Changes.parse, sku=sku)):
        with pytest.raises(InvalidArgument) as rejection:
            parse()
        assert [(fault.path, fault.message) for fault in rejection.value.fields] == [
            (("sku",), "must not be empty")
        ]


@pytest.mark.parametrize("sku", ["\u3164", "\u2800", "Ab\u2800-1"])
def test_a_sku_with_a_blank_character_is_rejected(sku: str) -> None:
    with pytest.raises(InvalidArgument, match="must not contain the character U\\+"):
        draft(sku=sku)


def test_a_blank_category_does_not_clear_the_category() -> None:
    with pytest.raises(InvalidArgument, match="must not be empty"):
        Changes.parse(category=" ")


def test_a_creation_emits_an_event_with_version_1() -> None:
    product, event = Product.create(draft(sku="MUG-1"), KITCHEN, NOW)

    assert event == ProductCreated(product)
    assert (product.version, product.create_time, product.update_time) == (1, NOW, NOW)
    assert (product.name, product.sku, product.category) == ("Mug", "MUG-1", KITCHEN)


def test_fields_that_are_not_given_stay_unchanged() -> None:
    product = create(sku="MUG-1", image_urls=["https://cdn.test/mug.png"])

    after = changed(product, name="Cup")

    assert after == replace(product, name="Cup", version=2, update_time=LATER)


def test_a_change_emits_an_event_with_the_next_version() -> None:
    after, event = create().change(Changes.parse(price=Money(1, "USD")), None, LATER, expected_version=1)

    assert event == ProductUpdated(after)
    assert after.version == 2


def test_a_change_without_effect_emits_no_event() -> None:
    product = create()

    assert product.change(Changes.parse(name=" Mug"), None, LATER, expected_version=None) == (product, None)


def test_an_empty_sku_or_category_clears_it_and_an_empty_list_the_images() -> None:
    product = create(sku="MUG-1", image_urls=["https://cdn.test/mug.png"])

    after = changed(product, sku="", category="", image_urls=[])

    assert (after.sku, after.category, after.image_urls) == ("", None, ())


def test_a_product_can_move_to_another_category() -> None:
    garden = Category.from_name("Garden")

    assert changed(create(), garden, category="Garden").category == garden


def test_a_change_of_another_version_is_rejected_with_the_current_version() -> None:
    with pytest.raises(VersionConflict) as error:
        create().change(Changes.parse(name="Cup"), None, LATER, expected_version=2)
    assert error.value.details == {"version": 1}


def test_the_currency_of_a_price_cannot_change() -> None:
    with pytest.raises(InvalidArgument) as error:
        changed(create(), price=Money(999, "EUR"))
    assert [violation.path for violation in error.value.fields] == [("price",)]


@given(st.lists(st.builds(dict, name=st.sampled_from(["Mug", "Cup"]), sku=st.sampled_from(["", "1"]))))
def test_only_a_change_with_an_effect_increments_the_version(steps: list[dict[str, Any]]) -> None:
    product = create()
    for fields in steps:
        before = product
        product, event = before.change(Changes.parse(**fields), None, LATER, expected_version=before.version)
        assert product.version - before.version == (event is not None)
        assert (event is not None) == ((product.name, product.sku) != (before.name, before.sku))


def test_a_deletion_has_a_version_of_its_own() -> None:
    product = create()

    assert product.delete() == ProductDeleted(product.id, 2)


@pytest.mark.parametrize(("stock", "available"), [(None, True), (1, True), (0, False)])
def test_a_product_is_available_unless_its_tracked_stock_is_zero(stock: int | None, available: bool) -> None:
    assert ProductWithStock(create(), stock).available is available


@pytest.mark.parametrize("minor", [18_605, 1, 9_999])
def test_a_price_off_its_currencys_step_is_rejected(minor: int) -> None:
    for parse in (
        lambda: Draft.parse(name="Mug", description="", price=Money(minor, "KWD")),
        lambda: Changes.parse(price=Money(minor, "KWD")),
    ):
        with pytest.raises(InvalidArgument) as error:
            parse()
        assert [(violation.path, violation.message) for violation in error.value.fields] == [
            (("price",), "must be a multiple of 0.010 KWD")
        ]
    assert Changes.parse(price=Money(18_600, "KWD")).price == Money(18_600, "KWD")


@pytest.mark.parametrize("field", ["sku", "category"])
@pytest.mark.parametrize("text", [" ", "\t", "\u2003 "])
def test_blank_optional_fields_are_rejected(field: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        draft(**{field: text})
    assert [(violation.path, violation.message) for violation in error.value.fields] == [
        ((field,), "must not be empty")
    ]
    assert getattr(draft(**{field: ""}), field) == ""
