"""Searching a real Elasticsearch: matches, ranking, sorting and filters."""

from decimal import Decimal
from typing import Any

import pytest

from catalog.products.domain import Product
from catalog.search.domain import Sort
from catalog.tests.indexed import Index, elasticsearch, index, redis
from kit.errors import InvalidArgument
from kit.values import Money

__all__ = ["elasticsearch", "index", "redis"]

USD = "USD"


async def test_a_hit_is_the_product_as_it_was_written(index: Index) -> None:
    mug = await index.add("Mug", "Steel", sku="MUG-1", category="Kitchen & Home", price=Money(1999, "EUR"))

    result = await index.search("mug")

    assert [product for product, _ in result.hits] == [mug]
    assert (result.has_next, result.total) == (False, None)


async def test_an_empty_index_finds_nothing(index: Index) -> None:
    assert await index.names() == []
    assert await index.names("mug") == []


@pytest.mark.parametrize("query", ["laptpo", "lpatop", "labtop", "laptopp", "latop"])
async def test_a_typo_is_tolerated(index: Index, query: str) -> None:
    await index.add("Laptop")
    await index.add("Lamp")

    assert await index.names(query) == ["Laptop"]


async def test_a_typo_in_one_of_two_words_is_tolerated(index: Index) -> None:
    await index.add("Gaming Laptop")
    await index.add("Gaming Mouse")

    assert await index.names("gaming laptpo") == ["Gaming Laptop"]


@pytest.mark.parametrize("query", ["la", "lap", "LAPT", "gaming lap"])
async def test_a_word_is_found_by_its_prefix(index: Index, query: str) -> None:
    await index.add("Gaming Laptop")
    await index.add("Mug")

    assert await index.names(query) == ["Gaming Laptop"]


@pytest.mark.parametrize("query", ["mug-1", "MUG-1"])
async def test_a_sku_match_ranks_before_similar_names(index: Index, query: str) -> None:
    await index.add("Cup", sku="Mug-1")
    for name in ("Mug 1", "Mug-1 Mug-1", "Mud 1", "Mum 1"):
        await index.add(name)

    assert (await index.names(query))[0] == "Cup"


async def test_fuzzy_matches_are_added_to_exact_ones(index: Index) -> None:
    await index.add("Cup", sku="mug-1")
    await index.add("Laptop")
    for name in ("Mud 1", "Mum 1", "Lap", "Lapis"):
        await index.add(name)

    assert (await index.names("mug-1"))[0] == "Cup"
    assert "Laptop" in await index.names("lapt")


@pytest.mark.parametrize("query", ["mugs", "mug", "MUGS"])
async def test_singular_and_plural_match_each_other(index: Index, query: str) -> None:
    await index.add("Coffee Mug")
    await index.add("Coffee Mugs")

    assert sorted(await index.names(query)) == ["Coffee Mug", "Coffee Mugs"]


@pytest.mark.parametrize("query", ["cafe creme", "Café Crème", "CAFE CRÈME"])
async def test_accents_and_case_do_not_matter(index: Index, query: str) -> None:
    await index.add("Café Crème")
    await index.add("Cafe Creme 2")

    assert sorted(await index.names(query)) == ["Cafe Creme 2", "Café Crème"]


async def test_every_word_of_a_query_must_match(index: Index) -> None:
    await index.add("Mug", "of blue steel", category="Kitchen")
    await index.add("Mug", "of clay", category="Garden")

    assert len(await index.names("mug")) == 2
    assert await index.names("kitchen mug steel") == ["Mug"]
    assert await index.names("kitchen mug clay") == []


async def test_matches_in_names_rank_before_matches_in_descriptions(index: Index) -> None:
    await index.add("Teapot", "goes with every mug, a mug of your own too")
    await index.add("Mug")
    await index.add("Shelf", category="Mugs")

    names = await index.names("mug")

    assert names[0] == "Mug"
    assert sorted(names) == ["Mug", "Shelf", "Teapot"]


async def test_a_phrase_match_ranks_first(index: Index) -> None:
    await index.add("Table for a Coffee")
    await index.add("Coffee Table")
    await index.add("Table, Coffee not included")

    assert (await index.names("coffee table"))[0] == "Coffee Table"


@pytest.mark.parametrize("query", ["?", "!!", 'mug" OR 1=1', "mug AND (", "*", "a" * 200, "é" * 200, "mug\\"])
async def test_any_query_is_valid(index: Index, query: str) -> None:
    await index.add("Teapot")

    assert await index.names(query) == []


async def test_results_without_a_query_are_newest_first_by_default(index: Index) -> None:
    for name in ("b", "a", "c"):
        await index.add(name)

    assert await index.names() == ["c", "a", "b"]


async def test_results_are_sorted_as_requested(index: Index) -> None:
    for name, minor in (("banana mug", 300), ("Apple mug", 100), ("Éclair mug", 200)):
        await index.add(name, price=Money(minor, USD))

    apple, banana, eclair = "Apple mug", "banana mug", "Éclair mug"
    expected = {
        Sort.NEWEST: [eclair, apple, banana],
        Sort.PRICE_ASC: [apple, eclair, banana],
        Sort.PRICE_DESC: [banana, eclair, apple],
        Sort.NAME_ASC: [apple, banana, eclair],
        Sort.NAME_DESC: [eclair, banana, apple],
    }
    for sort, names in expected.items():
        assert await index.names("mug", sort=sort) == names
        assert await index.names(sort=sort) == names


async def test_results_are_filtered_by_category_price_and_availability(index: Index) -> None:
    await index.add("1", category="Kitchen & Home", price=Money(100, USD))
    await index.add("2", category="Garden", price=Money(200, USD), available=False)
    await index.add("3", price=Money(300, USD))
    await index.add("4", category="Garden", price=Money(200, "EUR"))

    async def matches(**criteria: Any) -> str:
        return "".join(sorted(await index.names(**criteria)))

    assert await matches(categories=("kitchen-home",)) == "1"
    assert await matches(categories=()) == ""
    assert await matches(categories=("garden", "kitchen-home")) == "124"
    assert await matches(categories=("nowhere",)) == ""
    assert await matches(available=True) == "134"
    assert await matches(available=False) == "2"
    assert await matches(min_price=Money(200, USD)) == "23"
    assert await matches(max_price=Money(200, USD)) == "12"
    assert await matches(min_price=Money(200, "EUR"), max_price=Money(200, "EUR")) == "4"
    assert await matches(categories=("garden",), available=True, min_price=Money(0, "EUR")) == "4"


PRICES = [
    Money(900, "JPY"),
    Money(99_900, "JPY"),
    Money(999, "USD"),
    Money(100_000, "USD"),
    Money(2000, "KWD"),
    Money(1, "EUR"),
]


def value(product: Product) -> tuple[str, Decimal]:
    return product.price.currency, product.price.decimal()


@pytest.mark.parametrize("query", ["", "mug"])
@pytest.mark.parametrize(("sort", "sign"), [(Sort.PRICE_ASC, 1), (Sort.PRICE_DESC, -1)])
async def test_prices_are_sorted_by_value_within_each_currency(
    index: Index, query: str, sort: Sort, sign: int
) -> None:
    for price in PRICES:
        await index.add("Mug", price=price)

    hits = (await index.search(query, sort=sort)).hits

    def order(price: tuple[str, Decimal]) -> tuple[str, Decimal]:
        return price[0], sign * price[1]

    values = [value(product) for product, _ in hits]
    assert values == sorted(values, key=order)
    assert len(values) == len(PRICES)
    pages = await index.pages(query, sort=sort, size=2)
    assert [len(page) for page in pages] == [2, 2, 2]
    following = [
        value((await index.search(query, sort=sort, size=1, after=cursor)).hits[0][0])
        for _, cursor in hits[:-1]
    ]
    assert following == values[1:]


@pytest.mark.parametrize("sort", Sort)
async def test_results_can_be_filtered_by_currency_alone(index: Index, sort: Sort) -> None:
    for price in PRICES:
        await index.add("Mug", price=price)

    values = [value(product) for product, _ in (await index.search("mug", currency="JPY", sort=sort)).hits]

    assert sorted(values) == [("JPY", Decimal(900)), ("JPY", Decimal(99_900))]
    assert await index.names(currency="GBP", sort=sort) == []


async def test_a_cursor_is_valid_for_its_currency_only(index: Index) -> None:
    for price in PRICES:
        await index.add("Mug", price=price)
    cursor = (await index.search(currency="JPY", sort=Sort.PRICE_ASC)).hits[0][1]

    with pytest.raises(InvalidArgument):
        await index.search(sort=Sort.PRICE_ASC, after=cursor)


async def test_filters_apply_to_fuzzy_matches_too(index: Index) -> None:
    await index.add("Laptop", category="Garden")

    assert await index.names("laptpo", categories=("garden",)) == ["Laptop"]
    assert await index.names("laptpo", categories=("kitchen",)) == []
