"""Searching a real Elasticsearch, with results cached in a real Redis: matches, ranking, paging, caching."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from catalog.indexing.definition import DEFINITION
from catalog.indexing.domain import IndexRow
from catalog.indexing.index import ProductIndex
from catalog.products.domain import Product
from catalog.search.domain import Sort
from catalog.search.index import ElasticsearchIndexReader
from catalog.tests.indexed import ANYTHING, Index, elasticsearch, index, redis
from kit.cache import Cache
from kit.errors import InvalidArgument
from kit.search import SearchIndex, SearchUnavailable
from kit.testing import Elasticsearch, FakeClock, Redis, free_port
from kit.values import Money, encode_cursor

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


@pytest.mark.parametrize("sort", Sort)
@pytest.mark.parametrize("query", ["", "mug"])
async def test_pages_neither_repeat_nor_skip(index: Index, query: str, sort: Sort) -> None:
    # Equal sort values except for the id: the hardest case.
    now = index.clock.now
    products = [
        replace(index.product("Mug"), name=f"Mug {number % 3}", create_time=now) for number in range(11)
    ]
    await index.write(*products)

    pages = await index.pages(query, sort=sort, size=4)

    assert [len(page) for page in pages] == [4, 4, 3]
    assert sorted(name for page in pages for name in page) == sorted(product.name for product in products)
    assert pages == await index.pages(query, sort=sort, size=4)


async def test_later_pages_of_a_fuzzy_search_are_fuzzy_too(index: Index) -> None:
    for number in range(5):
        await index.add(f"Laptop {number}")

    pages = await index.pages("laptpo", size=2)

    assert [len(page) for page in pages] == [2, 2, 1]
    assert len({name for page in pages for name in page}) == 5


async def test_a_product_added_before_a_page_does_not_shift_it(index: Index) -> None:
    for name in ("1", "2", "3", "4"):
        await index.add(name)
    first = await index.search(size=2)

    await index.add("5")

    assert [product.name for product, _ in first.hits] == ["4", "3"]
    assert await index.names(size=2, after=first.hits[-1][1]) == ["2", "1"]


async def test_the_next_page_is_found_after_the_last_product_was_deleted(index: Index) -> None:
    products = [await index.add(name) for name in ("1", "2", "3")]
    first = await index.search(size=2)

    await index.delete(deleted(products[1]))

    assert await index.names(size=2, after=first.hits[-1][1]) == ["1"]


async def test_a_cursor_is_valid_for_its_own_search_only(index: Index) -> None:
    await index.add("Mug")
    cursor = (await index.search("mug")).hits[0][1]

    others: list[dict[str, Any]] = [
        {"query": "cup"},
        {"query": "mug", "sort": Sort.NEWEST},
        {"query": "mug", "available": True},
        {"query": "mug", "categories": ("kitchen",)},
        {"query": "mug", "min_price": Money(1, USD)},
    ]
    for other in others:
        with pytest.raises(InvalidArgument) as error:
            await index.search(**other, after=cursor)
        assert [violation.path for violation in error.value.fields] == [("after",)]
    assert await index.names("mug", size=7, after=cursor) == []


@pytest.mark.parametrize(
    "values",
    [
        [],
        [0],
        [0, "x"],
        [0, "x", "y"],
        [0, 1, 2, 3],
        [0, None, None],
        [0, 1.5, "prod_"],
        [0, True, "prod_"],
        [0, 2**64 - 1, "prod_"],
        [7, 1, "prod_"],
        ["0", 1, "prod_"],
    ],
)
async def test_a_forged_cursor_is_rejected(index: Index, values: Sequence[Any]) -> None:
    scope = repr(("", (), None, None, None, Sort.NEWEST))

    with pytest.raises(InvalidArgument) as error:
        await index.search(after=encode_cursor(scope, values))
    assert [violation.path for violation in error.value.fields] == [("after",)]


async def test_the_total_is_counted_only_on_request(index: Index) -> None:
    for number in range(5):
        await index.add(f"Mug {number}")

    assert (await index.search("mug", size=2, count_total=True)).total == 5
    assert (await index.search("mug", size=2)).total is None


def deleted(product: Product) -> Product:
    return replace(product, version=product.version + 1)


async def test_an_outdated_write_does_not_restore_a_deleted_product(index: Index) -> None:
    mug = await index.add("Mug")

    await index.delete(deleted(mug))
    assert await index.names("mug") == []
    await index.writer.write([IndexRow(mug, True, True), IndexRow(deleted(mug), False, True)])
    await index.writer.refresh()
    assert await index.names("mug") == []


async def test_an_older_version_changes_nothing_and_the_same_version_is_no_error(index: Index) -> None:
    mug = await index.add("Mug")
    cup = replace(mug, name="Cup", version=2)

    await index.write(cup)
    await index.write(mug)
    await index.write(cup)

    assert await index.names() == ["Cup"]


async def test_availability_changes_without_a_new_version(index: Index) -> None:
    mug = await index.add("Mug")

    await index.write(mug, available=False)

    assert await index.names(available=True) == []
    assert await index.names(available=False) == ["Mug"]


async def test_a_result_is_cached_until_the_next_refresh(index: Index) -> None:
    await index.add("Mug 1")
    assert await index.names("mug") == ["Mug 1"]

    await index.writer.write([IndexRow(index.product("Mug 2"), True, True)])
    assert await index.names("mug") == ["Mug 1"]
    await index.writer.refresh()

    assert sorted(await index.names("mug")) == ["Mug 1", "Mug 2"]


async def test_empty_results_are_not_cached(index: Index) -> None:
    assert await index.names("mug") == []

    await index.writer.write([IndexRow(index.product("Mug"), True, True)])
    await index.writer.refresh()

    assert await index.names("mug") == ["Mug"]


async def test_a_cached_result_equals_the_original(index: Index) -> None:
    for number in range(3):
        await index.add(f"Mug {number}", category="Kitchen")

    first = await index.search("mug", size=2, count_total=True)

    assert await index.search("mug", size=2, count_total=True) == first


class CountingSearch(SearchIndex):
    """Counts the searches."""

    searches = 0

    async def search(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        self.searches += 1
        return await super().search(body)


async def test_concurrent_equal_searches_share_one_query(elasticsearch: Elasticsearch, redis: Redis) -> None:
    alias = f"products-{uuid4().hex}"
    search, cache = CountingSearch(elasticsearch.url(), alias, DEFINITION), Cache(redis.url(), alias)
    reader = ElasticsearchIndexReader(search, cache, lifetime=timedelta(minutes=10))
    index = Index(ProductIndex(search, cache), reader, FakeClock())
    for number in range(3):
        await index.add(f"Mug {number}")

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(index.names("mug")) for _ in range(10)]
        # Yields once, so that all of them search; a cancelled one does not cancel the others.
        await asyncio.sleep(0)
        tasks.pop(0).cancel()

    assert {len(task.result()) for task in tasks} == {3}
    assert search.searches == 1
    await search.close()
    await cache.close()


async def test_searches_work_without_redis(elasticsearch: Elasticsearch) -> None:
    alias = f"products-{uuid4().hex}"
    search = SearchIndex(elasticsearch.url(), alias, DEFINITION)
    cache = Cache(f"redis://127.0.0.1:{free_port()}", alias)
    reader = ElasticsearchIndexReader(search, cache, lifetime=timedelta(minutes=10))
    index = Index(ProductIndex(search, cache), reader, FakeClock())

    for name in ("Mug 1", "Mug 2"):
        await index.add(name)
        assert name in await index.names("mug")
    await search.close()
    await cache.close()


async def test_searches_are_unavailable_without_elasticsearch(redis: Redis) -> None:
    search = SearchIndex(f"http://127.0.0.1:{free_port()}", "products", DEFINITION)
    cache = Cache(redis.url(), uuid4().hex)

    with pytest.raises(SearchUnavailable):
        await ElasticsearchIndexReader(search, cache, lifetime=timedelta(seconds=1)).search(ANYTHING)
    await search.close()
    await cache.close()
