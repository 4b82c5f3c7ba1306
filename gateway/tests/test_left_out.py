"""What is left out, given empty or written in another of its forms reaches the services as it was meant."""

from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import GraphQLError

from gateway.tests.operations import CREATE, PLACE
from gateway.tests.world import World, world
from kit.graphql.scalars import parse_instant
from kit.values import PRODUCT

__all__ = ["world"]

SEARCH = "query($f: ProductFilter) { products(filter: $f) { nodes { id } } }"
ORDERS = "query($f: OrderFilter) { me { orders(filter: $f) { nodes { id } } } }"


async def sent(world: World, rpc: str, query: str, **variables: Any) -> Any:
    """The request that a service gets for it."""
    world.recorder.calls.clear()
    await world.ask(query, **variables)
    request, _ = world.recorder.last(rpc)
    return request


@pytest.mark.parametrize("given", [None, {}, {"categories": None}])
async def test_without_a_filter_all_categories_are_searched(world: World, given: Any) -> None:
    request = await sent(world, "SearchProducts", SEARCH, f=given)
    assert not request.HasField("category_filter")


@pytest.mark.parametrize("slugs", [[], ["mugs"], ["mugs", "cups"]])
async def test_a_list_of_categories_is_forwarded_unchanged(world: World, slugs: list[str]) -> None:
    request = await sent(world, "SearchProducts", SEARCH, f={"categories": slugs})
    assert request.HasField("category_filter")
    assert list(request.category_filter.values) == slugs


@pytest.mark.parametrize("given", [None, {}, {"statuses": None}])
async def test_without_a_filter_orders_of_all_statuses_are_listed(world: World, given: Any) -> None:
    request = await sent(world, "ListOrders", ORDERS, f=given)
    assert not request.HasField("status_filter")


@pytest.mark.parametrize("statuses", [[], ["SHIPPED"], ["SHIPPED", "PENDING"]])
async def test_a_list_of_statuses_is_forwarded_unchanged(world: World, statuses: list[str]) -> None:
    request = await sent(world, "ListOrders", ORDERS, f={"statuses": statuses})
    assert request.HasField("status_filter")
    assert len(request.status_filter.values) == len(statuses)


async def test_the_number_of_an_order_is_forwarded_unchanged_even_when_it_is_empty(world: World) -> None:
    assert (await sent(world, "ListOrders", ORDERS, f={"number": "1042"})).number == "1042"
    assert (await sent(world, "ListOrders", ORDERS, f={"number": ""})).HasField("number")
    assert not (await sent(world, "ListOrders", ORDERS, f={"number": None})).HasField("number")


@pytest.mark.parametrize("field", ["sku", "category"])
async def test_an_empty_text_is_not_an_omitted_one(world: World, field: str) -> None:
    plain = {"name": "Mug", "description": "Steel", "price": "9.99"}
    assert getattr(await sent(world, "CreateProduct", CREATE, i=plain), field) == ""
    assert getattr(await sent(world, "CreateProduct", CREATE, i={**plain, field: None}), field) == ""
    # Its service refuses what is blank.
    assert getattr(await sent(world, "CreateProduct", CREATE, i={**plain, field: ""}), field) == " "


@pytest.mark.parametrize(
    ("query", "variables", "path"),
    [
        (
            CREATE,
            {"i": {"name": "Mug", "description": "Steel", "price": "9.99", "currency": ""}},
            ["currency"],
        ),
        (SEARCH, {"f": {"price": {"currency": ""}}}, ["filter", "price", "currency"]),
    ],
)
async def test_an_empty_currency_is_rejected(
    world: World, query: str, variables: dict[str, Any], path: list[str]
) -> None:
    response = await world.ask(query, **variables)
    assert [field["path"] for field in response["errors"][0]["extensions"]["fields"]] == [path]


UPDATE = "mutation($id: ID!, $i: UpdateProductInput!) { updateProduct(id: $id, input: $i) { id } }"


@pytest.mark.parametrize("field", ["sku", "category"])
async def test_only_null_clears_an_optional_text(world: World, field: str) -> None:
    product_id = PRODUCT.format(PRODUCT.new())
    assert getattr(await sent(world, "UpdateProduct", UPDATE, id=product_id, i={field: None}), field) == ""
    assert getattr(await sent(world, "UpdateProduct", UPDATE, id=product_id, i={field: ""}), field) == " "


@pytest.mark.parametrize(
    ("name", "field"), [("accountId", "account_id"), ("paymentMethod", "payment_method")]
)
async def test_an_empty_account_or_payment_method_is_not_an_omitted_one(
    world: World, name: str, field: str
) -> None:
    plain = {"products": [{"id": PRODUCT.format(PRODUCT.new()), "quantity": 1}]}
    assert getattr(await sent(world, "PlaceOrder", PLACE, i=plain), field) == ""
    assert getattr(await sent(world, "PlaceOrder", PLACE, i={**plain, name: ""}), field) == " "


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T09:30:00Z",
        "2026-11-23t09:30:00z",
        "2026-11-23T09:30:00z",
        "2026-11-23 09:30:00Z",
        "2026-11-23T09:30:00.000000000z",
        "2026-11-23T10:30:00+01:00",
        "2026-11-23T09:30:00-00:00",
        "2026-11-23T09:29:60Z",
    ],
)
def test_a_timestamp_may_have_any_form_of_rfc_3339(text: str) -> None:
    assert datetime.fromisoformat(parse_instant(text)) == datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-11-23", "2026-11-23T09:30:00", "2026-11-23_09:30:00Z", "2026-02-30T09:30:00Z"]
    + ["2026-11-23T09:30:61Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:60Z"],
)
def test_an_invalid_timestamp_is_rejected(text: str) -> None:
    with pytest.raises(GraphQLError):
        parse_instant(text)
