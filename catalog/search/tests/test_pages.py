"""Pages, cursors and totals of searches in a real Elasticsearch."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from catalog.search.domain import Sort
from catalog.tests.indexed import Index, deleted, elasticsearch, index, redis
from kit.errors import InvalidArgument
from kit.values import Money, encode_cursor

__all__ = ["elasticsearch", "index", "redis"]


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
        {"query": "mug", "min_price": Money(1, "USD")},
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
