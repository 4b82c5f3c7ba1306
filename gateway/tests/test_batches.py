"""How many calls a query makes, and what they compute."""

from gateway.tests.world import World, forget, world

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
