"""Products and categories: rules by sentence, and every limit of inputs."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
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


def read(**fields: Any) -> Draft:
    return Draft.parse(**{"name": "Mug", "description": "Steel", "price": Money(999, "USD"), **fields})


def made(**fields: Any) -> Product:
    product, _ = Product.create(read(**fields), KITCHEN, NOW)
    return product


def changed(product: Product, shelf: Category | None = None, **fields: Any) -> Product:
    after, _ = product.change(Changes.parse(**fields), shelf, LATER, expected_version=None)
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
def test_what_is_at_a_limit_is_taken(fields: dict[str, Any]) -> None:
    read(**fields)
    Changes.parse(**fields)


@pytest.mark.parametrize(("fields", "path"), BEYOND_THE_LIMIT)
@pytest.mark.parametrize("reading", [read, Changes.parse])
def test_what_is_beyond_a_limit_is_refused_by_name(
    reading: Any, fields: dict[str, Any], path: tuple[str | int, ...]
) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        reading(**fields)
    assert [fault.path for fault in refusal.value.fields] == [path]


@pytest.mark.parametrize("stock", [None, 0, 1_000_000_000])
def test_stock_is_unknown_or_a_number(stock: int | None) -> None:
    assert read(stock=stock).stock == stock


@pytest.mark.parametrize("stock", [-1, 1_000_000_001])
def test_stock_below_nothing_or_beyond_a_milliard_is_refused(stock: int) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        read(stock=stock)
    assert [fault.path for fault in refusal.value.fields] == [("stock",)]


def test_every_fault_is_named_at_once() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        read(name="", price=Money(0, "USD"), sku="s" * 65, category="!", image_urls=["x"], stock=-1)

    paths = [fault.path[0] for fault in refusal.value.fields]
    assert paths == ["name", "price", "sku", "category", "images", "stock"]


@pytest.mark.parametrize("field", ["name", "category"])
@pytest.mark.parametrize("hidden", ["\u202e", "\u2028", "\u3164", "\u2800", "\u00ad", "\u200d"])
def test_names_that_hide_something_are_refused_naming_the_character(field: str, hidden: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        read(**{field: f"Mug{hidden}s"})
    [fault] = refusal.value.fields
    assert fault.path == (field,)
    assert f"U+{ord(hidden):04X}" in fault.message


@pytest.mark.parametrize("field", ["name", "category"])
def test_names_are_taken_in_every_script(field: str) -> None:
    for name in ("\u0db6\u0dca\u200d\u0dbb", "\u0e01\u0e34\u0e19", "Booking.com \u2764\ufe0f"):
        assert getattr(read(**{field: name}), field) == name


def test_texts_are_trimmed_and_composed() -> None:
    draft = read(name="  Cafe\u0301 ", sku=" MUG-1 ", category=" Kitchen ")

    assert (draft.name, draft.sku, draft.category) == ("Café", "MUG-1", "Kitchen")


def test_a_sku_is_kept_without_what_is_invisible() -> None:
    assert read(sku="Abc\u200b").sku == "Abc"
    assert sku_identity("AB-1") != sku_identity("A-B1")


def test_a_created_product_is_a_fact_of_version_1() -> None:
    product, fact = Product.create(read(sku="MUG-1"), KITCHEN, NOW)

    assert fact == ProductCreated(product)
    assert (product.version, product.create_time, product.update_time) == (1, NOW, NOW)
    assert (product.name, product.sku, product.category) == ("Mug", "MUG-1", KITCHEN)


def test_what_is_not_given_stays_as_it_is() -> None:
    product = made(sku="MUG-1", image_urls=["https://cdn.test/mug.png"])

    after = changed(product, name="Cup")

    assert after == replace(product, name="Cup", version=2, update_time=LATER)


def test_a_change_is_a_fact_of_the_next_version() -> None:
    after, fact = made().change(Changes.parse(price=Money(1, "USD")), None, LATER, expected_version=1)

    assert fact == ProductUpdated(after)
    assert after.version == 2


def test_a_change_to_the_same_is_no_fact() -> None:
    product = made()

    assert product.change(Changes.parse(name=" Mug"), None, LATER, expected_version=None) == (product, None)


def test_an_empty_sku_or_category_clears_it_and_an_empty_list_the_images() -> None:
    product = made(sku="MUG-1", image_urls=["https://cdn.test/mug.png"])

    after = changed(product, sku="", category="", image_urls=[])

    assert (after.sku, after.category, after.image_urls) == ("", None, ())


def test_a_product_moves_to_another_category() -> None:
    garden = Category.from_name("Garden")

    assert changed(made(), garden, category="Garden").category == garden


def test_a_change_of_what_somebody_else_changed_is_refused_with_the_version_of_now() -> None:
    with pytest.raises(VersionConflict) as refusal:
        made().change(Changes.parse(name="Cup"), None, LATER, expected_version=2)
    assert refusal.value.details == {"version": 1}


def test_a_price_stays_in_its_currency() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        changed(made(), price=Money(999, "EUR"))
    assert [fault.path for fault in refusal.value.fields] == [("price",)]


@given(st.lists(st.builds(dict, name=st.sampled_from(["Mug", "Cup"]), sku=st.sampled_from(["", "1"]))))
def test_each_change_that_changes_something_raises_the_version_by_one(steps: list[dict[str, Any]]) -> None:
    product = made()
    for fields in steps:
        before = product
        product, fact = before.change(Changes.parse(**fields), None, LATER, expected_version=before.version)
        assert product.version - before.version == (fact is not None)
        assert (fact is not None) == ((product.name, product.sku) != (before.name, before.sku))


def test_a_deletion_has_a_version_of_its_own() -> None:
    product = made()

    assert product.delete() == ProductDeleted(product.id, 2)


@pytest.mark.parametrize(("stock", "available"), [(None, True), (1, True), (0, False)])
def test_what_is_not_counted_can_be_bought_and_what_is_out_cannot(stock: int | None, available: bool) -> None:
    assert ProductWithStock(made(), stock).available is available


@pytest.mark.parametrize("minor", [18_605, 1, 9_999])
def test_a_price_that_the_provider_cannot_charge_is_refused_with_its_step(minor: int) -> None:
    for read in (
        lambda: Draft.parse(name="Mug", description="", price=Money(minor, "KWD")),
        lambda: Changes.parse(price=Money(minor, "KWD")),
    ):
        with pytest.raises(InvalidArgument) as refused:
            read()
        assert [(each.path, each.message) for each in refused.value.fields] == [
            (("price",), "must be a multiple of 0.010 KWD")
        ]
    assert Changes.parse(price=Money(18_600, "KWD")).price == Money(18_600, "KWD")


@pytest.mark.parametrize("field", ["sku", "category"])
@pytest.mark.parametrize("text", [" ", "\t", "\u2003 "])
def test_what_may_be_left_out_is_refused_when_it_is_blank(field: str, text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read(**{field: text})
    assert [(each.path, each.message) for each in refused.value.fields] == [((field,), "must not be empty")]
    assert getattr(read(**{field: ""}), field) == ""
