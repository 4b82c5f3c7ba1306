"""How many calls a query makes, and what they compute."""

from typing import Any

import pytest

from gateway.tests.world import World, forget, world
from kit.values import PRODUCT

__all__ = ["forget", "world"]


async def test_a_list_makes_one_call_per_service_whatever_its_size(world: World) -> None:
    query = """query($first: Int) { orders(first: $first) { nodes {
        account { name } payment { status } notifications { subject } lines { product { name } } } } }"""
    for size in (2, 40):
        world.recorder.calls.clear()
        answer = await world.ask(query, first=size)
        assert len(answer["data"]["orders"]["nodes"]) == size
        assert sorted(world.recorder.names()) == [
            "BatchGetAccounts",
            "BatchGetPayments",
            "BatchGetProducts",
            "BatchListNotifications",
            "ListOrders",
        ]


async def test_orders_and_notifications_of_many_accounts_are_one_call_each(world: World) -> None:
    query = """query($first: Int) { accounts(first: $first) { nodes {
        orders(first: 3) { totalCount nodes { id } pageInfo { hasNextPage } } notifications(first: 2) { nodes { id } } } } }"""
    for size, expected in (
        (1, ["ListAccounts", "ListNotifications", "ListOrders"]),
        (60, ["BatchListAccountNotifications", "BatchListOrders", "ListAccounts"]),
    ):
        world.recorder.calls.clear()
        answer = await world.ask(query, first=size)
        nodes = answer["data"]["accounts"]["nodes"]
        assert len(nodes) == size
        assert all(len(node["orders"]["nodes"]) == 3 for node in nodes)
        assert all(len(node["notifications"]["nodes"]) == 2 for node in nodes)
        assert sorted(world.recorder.names()) == expected
    request, _ = world.recorder.last("BatchListOrders")
    assert (request.list.page_size, request.list.count_total) == (3, True)


async def test_a_batch_of_lists_is_limited_by_the_size_of_a_message(
    world: World,
) -> None:
    await world.ask("{ accounts(first: 25) { nodes { orders(first: 100) { nodes { id } } } } }")
    assert sorted(world.recorder.names()) == ["BatchListOrders"] * 3 + ["ListAccounts"]


async def test_an_empty_page_is_rejected_for_each_account(world: World) -> None:
    answer = await world.ask("{ accounts(first: 3) { nodes { id orders(first: 0) { nodes { id } } } } }")
    assert [node["orders"] for node in answer["data"]["accounts"]["nodes"]] == [None] * 3
    assert [error["extensions"]["fields"][0]["path"] for error in answer["errors"]] == [["first"]] * 3
    assert world.recorder.names() == ["ListAccounts"]


async def test_an_accounts_next_page_is_requested_alone(world: World) -> None:
    await world.ask(
        '{ me { orders(first: 3, after: "c") { nodes { id } } notifications(after: "d") { nodes { id } } } }'
    )
    assert world.recorder.last("ListOrders")[0].page_token == "c"
    assert world.recorder.last("ListNotifications")[0].page_token == "d"


async def test_a_total_is_computed_only_when_selected(world: World) -> None:
    await world.ask("{ products { nodes { id } } }")
    assert not world.recorder.last("SearchProducts")[0].count_total
    answer = await world.ask("{ products { ...page } } fragment page on ProductConnection { totalCount }")
    assert world.recorder.last("SearchProducts")[0].count_total
    assert answer["data"]["products"]["totalCount"] == 3


async def test_facets_and_highlights_are_computed_only_when_selected(world: World) -> None:
    await world.ask('{ products(query: "mug") { edges { node { id } } } }')
    request, _ = world.recorder.last("SearchProducts")
    assert not request.count_facets
    assert not request.highlight
    answer = await world.ask(
        '{ products(query: "mug") { edges { ...mark } facets { name values { value count } } } } '
        "fragment mark on ProductEdge { highlight }"
    )
    page = answer["data"]["products"]
    assert page["edges"][0]["highlight"] == "<em>Mug</em>"
    assert page["facets"] == [{"name": "currency", "values": [{"value": "USD", "count": 3}]}]


@pytest.mark.parametrize(
    ("selection", "read"),
    [
        ("nodes { id name }", False),
        ("nodes { available }", True),
        ("nodes { ...stocked }", True),
        ("edges { node { id variants { nodes { available } } } }", False),
        ("edges { node { ... on Product { stock } } }", True),
        ("nodes { id } edges { node { shown: available } }", True),
    ],
)
async def test_the_stock_of_products_is_read_only_when_selected(
    world: World, selection: str, read: bool
) -> None:
    fragment = "fragment stocked on Product { stock }" if "stocked" in selection else ""
    for _ in range(2):
        answer = await world.ask(f"{{ products {{ {selection} }} }} {fragment}")
        assert "errors" not in answer
        assert world.recorder.last("SearchProducts")[0].omit_stock is not read


async def test_fields_that_are_merged_read_the_stock_when_one_of_them_selects_it(world: World) -> None:
    query = "{ products { nodes { id } } ...more } fragment more on Query { products { nodes { stock } } }"
    for _ in range(2):
        await world.ask("{ products { nodes { id } } }")
        await world.ask(query)
        assert not world.recorder.last("SearchProducts")[0].omit_stock


async def test_the_stock_of_one_product_is_read_only_when_selected(world: World) -> None:
    query = "query($id: ID!, $stock: Boolean!) { product(id: $id) { id available @include(if: $stock) } }"
    product_id = PRODUCT.format(PRODUCT.new())
    await world.ask("query($id: ID!) { product(id: $id) { id name } }", id=product_id)
    assert world.recorder.last("GetProduct")[0].omit_stock
    answer = await world.ask(query, id=product_id, stock=True)
    assert answer["data"]["product"]["available"]
    assert not world.recorder.last("GetProduct")[0].omit_stock


async def test_pages_that_catalog_answers_alike_differ_by_what_was_asked(world: World) -> None:
    async def page(arguments: str, selection: str) -> Any:
        query = f"{{ products(first: 3{arguments}) {{ nodes {{ id }} pageInfo {{ hasPreviousPage }} {selection} }} }}"
        return (await world.ask(query))["data"]["products"]

    first, next_page = await page("", ""), await page(', after: "x"', "")

    assert first["nodes"] == next_page["nodes"]
    assert (first["pageInfo"]["hasPreviousPage"], next_page["pageInfo"]["hasPreviousPage"]) == (False, True)
    assert await page("", "") == first
    assert (await page("", "facets { name }"))["facets"] == [{"name": "currency"}]
