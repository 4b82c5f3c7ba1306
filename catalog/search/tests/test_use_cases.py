"""Search results get their stock from the tables."""

from dataclasses import replace

import pytest

from catalog.search.domain import Criteria, Sort
from catalog.tests.shop import Shop

EVERYTHING = Criteria("", None, None, None, None, Sort.RELEVANCE, 2, "", False)


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_hits_have_the_current_stock(shop: Shop) -> None:
    for stock in (0, 7, None):
        shop.index.products.append(shop.store.products[await shop.product(stock=stock)])

    page = await shop.search.search(EVERYTHING)

    assert [hit.product.stock for hit in page.hits] == [0, 7]
    assert [hit.cursor for hit in page.hits] == ["after Mug"] * 2
    assert page.has_next
    assert shop.index.searches == [EVERYTHING]


@pytest.mark.parametrize("size", [1, 60])
async def test_the_stock_of_all_hits_is_read_in_one_query(shop: Shop, size: int) -> None:
    for _ in range(size):
        shop.index.products.append(shop.store.products[await shop.product(stock=1)])
    shop.stock_store.free_calls.clear()

    page = await shop.search.search(replace(EVERYTHING, size=size))

    assert len(page.hits) == size
    assert [len(ids) for ids in shop.stock_store.free_calls] == [size]
