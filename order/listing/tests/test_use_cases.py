"""Pages of orders, on fakes."""

import pytest

from order.listing.ports import OrderFilter
from order.tests.shop import Shop


@pytest.fixture
def shop() -> Shop:
    return Shop()


async def test_consecutive_pages_have_no_gaps_and_no_duplicates(shop: Shop) -> None:
    made = [(await shop.pending()).id for _ in range(5)]
    seen, after, more = [], None, True
    while more:
        page = await shop.listing.page(OrderFilter(), after, 2, count=True)
        seen += [order.id for order in page.items]
        last = page.items[-1]
        after, more = (last.create_time, last.id), page.has_next
        assert page.total == 5

    assert sorted(seen) == sorted(made)
    assert len(seen) == 5
