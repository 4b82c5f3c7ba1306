"""Search results get their stock from the tables, and only if the caller asks for it."""

from dataclasses import replace
from typing import Any

import pytest

from catalog.options import ProductOption
from catalog.tests.edge import Edge, edge
from kit.values import PRODUCT

__all__ = ["edge"]


async def make(edge: Edge, **fields: Any) -> None:
    """Creates a product and adds it to the index."""
    product = await edge.create(**fields)
    edge.search.products.append(edge.store.products[PRODUCT.parse(product.id)])


async def test_hits_have_the_current_stock(edge: Edge) -> None:
    for stock in (0, 7, None):
        await make(edge, stock=stock)

    page = await edge.call(edge.admin, "SearchProducts", page_size=2)

    assert [(hit.product.stock, hit.product.available) for hit in page.hits] == [(0, False), (7, True)]
    assert [hit.cursor for hit in page.hits] == ["after Mug"] * 2
    assert page.has_next_page
    assert [criteria.size for criteria in edge.search.searches] == [2]


@pytest.mark.parametrize("size", [1, 60])
async def test_the_stock_of_all_hits_is_read_in_one_query(edge: Edge, size: int) -> None:
    for _ in range(size):
        await make(edge, stock=1)
    edge.stock.free_calls.clear()

    page = await edge.call(None, "SearchProducts", page_size=size)

    assert len(page.hits) == size
    assert [len(ids) for ids in edge.stock.free_calls] == [size]


async def test_no_stock_is_read_for_a_caller_that_omits_it(edge: Edge) -> None:
    await make(edge, stock=7)
    await make(edge, name="Shirt")
    shirt = edge.search.products[1]
    edge.search.products[1] = replace(shirt, options=(ProductOption("Size", ("S",)),))
    edge.stock.free_calls.clear()

    page = await edge.call(edge.admin, "SearchProducts", omit_stock=True)

    assert [(hit.product.name, hit.product.available) for hit in page.hits] == [
        ("Mug", False),
        ("Shirt", False),
    ]
    assert not any(hit.product.HasField("stock") for hit in page.hits)
    assert (edge.stock.free_calls, edge.stock.sums_calls) == ([], [])
    await edge.call(edge.admin, "SearchProducts")
    assert (len(edge.stock.free_calls), len(edge.stock.sums_calls)) == (1, 1)
