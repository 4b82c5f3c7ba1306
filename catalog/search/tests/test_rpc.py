"""The gRPC methods of search on a server in this process: mapping and rejections."""

from typing import Any

import pytest
from souk.catalog.v1 import product_service_pb2 as pb

from catalog.search.domain import Criteria, Sort
from catalog.tests.edge import PRICE, Edge, Path, edge
from kit.values import PRODUCT, Money, money_to_proto

__all__ = ["edge"]


async def test_search_products_parses_all_criteria(edge: Edge) -> None:
    await edge.call(
        None,
        "SearchProducts",
        query="  mug ",
        categories=["b", "a", "b"],
        min_price=PRICE,
        max_price=PRICE,
        available=False,
        sort=pb.PRODUCT_SORT_PRICE_ASC,
        page_size=7,
        page_token="here",
        count_total=True,
    )

    price = Money(999, "USD")
    assert edge.search.searches == [
        Criteria("mug", ("a", "b"), price, price, False, Sort.PRICE_ASC, 7, "here", True)
    ]


async def test_search_products_filters_by_a_currency_alone_or_with_bounds_in_it(edge: Edge) -> None:
    await edge.call(None, "SearchProducts", currency="JPY")
    await edge.call(None, "SearchProducts", currency="USD", min_price=PRICE)

    assert [criteria.currency for criteria in edge.search.searches] == ["JPY", "USD"]


@pytest.mark.parametrize("currency", ["XXX", "usd", " "])
async def test_search_products_rejects_an_unknown_currency(edge: Edge, currency: str) -> None:
    assert await edge.violations("SearchProducts", currency=currency) == [("filter", "price", "currency")]


async def test_search_products_rejects_bounds_in_another_currency(edge: Edge) -> None:
    assert await edge.violations("SearchProducts", currency="EUR", max_price=PRICE) == [
        ("filter", "price", "currency")
    ]


async def test_search_products_has_defaults_for_all_criteria(edge: Edge) -> None:
    await edge.call(None, "SearchProducts")

    assert edge.search.searches == [Criteria("", None, None, None, None, Sort.RELEVANCE, 20, "", False)]


async def test_search_products_returns_hits_with_cursors_and_stock_for_an_admin(edge: Edge) -> None:
    for name in ("Mug", "Cup"):
        product = await edge.create(name, stock=5)
        edge.search.products.append(edge.store.products[PRODUCT.parse(product.id)])

    page = await edge.call(edge.customer, "SearchProducts", page_size=1)

    assert [(hit.product.name, hit.cursor) for hit in page.hits] == [("Mug", "after Mug")]
    assert (page.has_next_page, page.HasField("total_count")) == (True, False)
    assert not page.hits[0].product.HasField("stock")
    page = await edge.call(edge.admin, "SearchProducts")
    assert [hit.product.stock for hit in page.hits] == [5, 5]


async def test_search_products_returns_total_facets_and_highlights_on_request(edge: Edge) -> None:
    product = await edge.create("Mug")
    edge.search.products.append(edge.store.products[PRODUCT.parse(product.id)])

    page = await edge.call(None, "SearchProducts", count_facets=True, highlight=True, count_total=True)

    assert [hit.highlight for hit in page.hits] == ["<em>Mug</em>"]
    facets = {facet.name: [(value.value, value.count) for value in facet.values] for facet in page.facets}
    assert (facets, page.total_count) == ({"availability": [("available", 1)]}, 1)
    plain = await edge.call(None, "SearchProducts")
    assert (plain.hits[0].highlight, list(plain.facets)) == ("", [])


async def test_suggest_products_completes_a_prefix(edge: Edge) -> None:
    for name in ("Mug", "Mug Rack", "Cup"):
        product = await edge.create(name)
        edge.search.products.append(edge.store.products[PRODUCT.parse(product.id)])

    assert (await edge.call(None, "SuggestProducts", prefix=" M")).suggestions == ["Mug", "Mug Rack"]
    assert (await edge.call(None, "SuggestProducts", prefix="M", page_size=1)).suggestions == ["Mug"]
    assert (await edge.call(None, "SuggestProducts", prefix=" ")).suggestions == []


async def test_suggest_products_rejects_invalid_requests(edge: Edge) -> None:
    assert await edge.violations("SuggestProducts", prefix="p" * 201, page_size=101) == [
        ("prefix",),
        ("first",),
    ]


@pytest.mark.parametrize("sort", pb.ProductSort.keys())
async def test_search_products_accepts_every_sort_of_the_contract(edge: Edge, sort: str) -> None:
    await edge.call(None, "SearchProducts", sort=pb.ProductSort.Value(sort))

    expected = Sort.RELEVANCE if sort.endswith("UNSPECIFIED") else Sort(sort.removeprefix("PRODUCT_SORT_"))
    assert edge.search.searches[0].sort is expected


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"query": "q" * 201}, ("query",)),
        ({"query": "mug\0"}, ("query",)),
        ({"sort": 99}, ("sort",)),
        ({"categories": ["c"] * 101}, ("filter", "categories")),
        ({"categories": ["a", "c" * 101]}, ("filter", "categories", 1)),
        ({"categories": ["c" * 40_000]}, ("filter", "categories", 0)),
        ({"min_price": {"currency_code": "USD", "units": -1}}, ("filter", "price")),
        ({"min_price": {"currency_code": "XXX"}}, ("filter", "price", "min")),
        ({"max_price": {"currency_code": "USD", "nanos": 1}}, ("filter", "price", "max")),
        (
            {"min_price": PRICE, "max_price": money_to_proto(Money(998, "USD"))},
            ("filter", "price"),
        ),
        (
            {"min_price": PRICE, "max_price": money_to_proto(Money(999, "EUR"))},
            ("filter", "price"),
        ),
    ],
)
async def test_search_products_rejects_invalid_criteria(
    edge: Edge, fields: dict[str, Any], path: Path
) -> None:
    assert await edge.violations("SearchProducts", **fields) == [path]
