"""Carts through the gateway: what clients read and send, and what the order service is asked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from souk.order.v1 import cart_pb2, order_pb2

from gateway.tests.world import World, opened
from gateway.types.cart import CartProblemCode, CartWarningCode
from kit.errors import FailedPrecondition, InvalidArgument, JsonValue
from kit.values import PRODUCT, VARIANT

ADDRESS = {
    "name": "John Doe",
    "line1": "Bahnhofstrasse 1",
    "city": "Zürich",
    "postalCode": "8001",
    "countryCode": "CH",
}
UPDATE = "mutation($i: UpdateCartInput!) { updateCart(input: $i) { id version } }"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


async def test_a_cart_is_read_with_prices_problems_and_warnings(world: World) -> None:
    body = await world.ask(
        "{ cart { id currency subtotal total version lines { quantity unitPrice seenPrice total } shippingAddress { city } "
        "problems { code path } warnings { code before now available lineId } } }"
    )

    cart = body["data"]["cart"]
    assert (cart["currency"], cart["subtotal"], cart["total"], cart["version"]) == (
        "USD",
        "19.98",
        "19.98",
        3,
    )
    assert cart["lines"] == [
        {"quantity": 2, "unitPrice": "9.99", "seenPrice": "8.99", "total": "19.98"},
        {"quantity": 1, "unitPrice": None, "seenPrice": "5.00", "total": None},
    ]
    assert cart["shippingAddress"] is None
    assert cart["problems"] == [{"code": "LINE_GONE", "path": ["lines", 1]}]
    assert cart["warnings"] == [
        {"code": "PRICE_ROSE", "before": "8.99", "now": "9.99", "available": None, "lineId": "cli_1"},
        {"code": "LESS_IN_STOCK", "before": None, "now": None, "available": 1, "lineId": "cli_1"},
    ]


async def test_a_cart_has_shipping_methods_and_taxes(world: World) -> None:
    body = await world.ask(
        "{ cart { shippingMethods { name kind price minDays maxDays reason } shippingPrice taxTotal taxIncluded "
        "taxes { name rate amount } } }"
    )

    assert body["data"]["cart"] == {
        "shippingMethods": [
            {
                "name": "Post",
                "kind": "DELIVERY",
                "price": "5.00",
                "minDays": 1,
                "maxDays": None,
                "reason": None,
            },
            {
                "name": "Shop",
                "kind": "PICKUP",
                "price": None,
                "minDays": None,
                "maxDays": None,
                "reason": "TOO_HEAVY",
            },
        ],
        "shippingPrice": "5.00",
        "taxTotal": "1.48",
        "taxIncluded": False,
        "taxes": [{"name": "VAT", "rate": "8.1", "amount": "1.48"}],
    }


async def test_a_checkout_names_the_cart_as_it_was_shown(world: World) -> None:
    query = "mutation($i: CheckoutInput!) { checkout(input: $i) { status note } }"
    shown = {"cartId": "cart_1", "version": 3, "expectedTotal": "19.98"}

    assert (await world.ask(query, i=shown))["data"] == {
        "checkout": {"status": "PENDING", "note": "Ring twice"}
    }

    request, _ = world.recorder.last("Checkout")
    assert (request.cart_id, request.version, request.expected_total) == ("cart_1", 3, "19.98")
    assert (request.payment_method, request.save_method) == ("", False)
    assert request.confirmation == order_pb2.PAYMENT_CONFIRMATION_SERVER
    await world.ask(query, i={**shown, "paymentMethod": "pme_1", "saveMethod": True})
    request, _ = world.recorder.last("Checkout")
    assert (request.payment_method, request.save_method) == ("pme_1", True)


async def test_problems_of_a_checkout_reach_the_client(world: World) -> None:
    problems: JsonValue = [{"code": "LINE_GONE", "path": ["lines", 0]}]
    world.recorder.raises["Checkout"] = FailedPrecondition(
        reason="CART_INCOMPLETE", details={"problems": problems}
    )

    body = await world.ask(
        'mutation { checkout(input: {cartId: "cart_1", version: 1, expectedTotal: 1}) { id } }'
    )

    extensions = body["errors"][0]["extensions"]
    assert (extensions["reason"], extensions["problems"]) == ("CART_INCOMPLETE", problems)


async def test_the_contact_of_a_guest_is_saved_first(world: World) -> None:
    contact = {"name": "John Doe", "email": "john@example.com", "phone": "+41441234567"}

    await world.ask(UPDATE, i={"contact": contact, "shippingMethodId": "method_1"})

    request, _ = world.recorder.last("SetGuestContact")
    assert (request.name, request.email, request.phone) == tuple(contact.values())
    request, _ = world.recorder.last("UpdateCart")
    assert (request.has_contact, request.shipping_method_id) == (True, "method_1")
    assert world.recorder.names() == ["SetGuestContact", "UpdateCart"]


async def test_a_rejected_contact_changes_no_cart(world: World) -> None:
    world.recorder.raises["SetGuestContact"] = InvalidArgument(reason="GUEST_ONLY")

    body = await world.ask(UPDATE, i={"contact": {"name": "J", "email": "j@example.com"}})

    assert body["errors"][0]["extensions"]["reason"] == "GUEST_ONLY"
    assert world.recorder.names() == ["SetGuestContact"]


async def test_a_guest_is_merged_by_its_token(world: World) -> None:
    body = await world.ask('mutation { mergeCart(guestToken: "t") { version } }')

    assert body["data"] == {"mergeCart": {"version": 3}}
    assert world.recorder.last("MergeCart")[0].guest_token == "t"


async def test_the_variants_of_all_lines_are_loaded_together(world: World) -> None:
    body = await world.ask("{ cart { lines { variantId variant { id } } } }")

    lines = body["data"]["cart"]["lines"]
    assert [line["variant"] for line in lines] == [{"id": line["variantId"]} for line in lines]
    assert world.recorder.names() == ["GetCart", "BatchGetVariants"]


async def test_without_a_cart_there_is_null(world: World) -> None:
    body = await world.ask('mutation { setCartLine(id: "cli_1", quantity: 0) { id } }')

    assert body == {"data": {"setCartLine": None}}
    request, _ = world.recorder.last("SetCartLine")
    assert (request.line_id, request.quantity) == ("cli_1", 0)


async def test_adding_sends_the_clients_key_or_a_random_one(world: World) -> None:
    line = {"id": PRODUCT.format(PRODUCT.new()), "quantity": 2}
    other = {"id": VARIANT.format(VARIANT.new()), "quantity": 1}
    query = "mutation($l: [OrderProductInput!]!, $k: String) { addToCart(lines: $l, idempotencyKey: $k) { version } }"

    assert (await world.ask(query, l=[line, other], k="mine"))["data"] == {"addToCart": {"version": 3}}

    request, _ = world.recorder.last("AddToCart")
    assert request.request_id == "mine"
    assert [(sent.id, sent.quantity) for sent in request.lines] == [(line["id"], 2), (other["id"], 1)]
    keys = set()
    for _ in range(2):
        await world.ask(query, l=[line])
        keys.add(world.recorder.last("AddToCart")[0].request_id)
    assert len(keys) == 2
    assert "" not in keys


async def test_an_update_sends_what_is_given_and_clears_what_is_null(world: World) -> None:
    await world.ask(UPDATE, i={"shippingAddress": ADDRESS, "billingAddress": None, "note": None})

    request, _ = world.recorder.last("UpdateCart")
    assert request.shipping_address.city == "Zürich"
    assert not request.clear_shipping_address
    assert request.clear_billing_address
    assert request.HasField("note")
    assert request.note == ""


async def test_an_update_leaves_out_what_is_not_given(world: World) -> None:
    await world.ask(UPDATE, i={})

    request, _ = world.recorder.last("UpdateCart")
    assert request.ByteSize() == 0


async def test_a_rejection_reaches_the_client(world: World) -> None:
    world.recorder.raises["GetCart"] = FailedPrecondition("no", reason="SOME_REASON")

    body = await world.ask("{ cart { id } }")

    assert body["errors"][0]["extensions"]["reason"] == "SOME_REASON"


async def test_a_cart_costs_what_pricing_it_costs(world: World) -> None:
    body = (await world.post({"query": "{ cart { id total } }"}, signed_in=True)).json()

    assert body["extensions"]["cost"]["cost"] == 11


def test_every_code_of_the_contract_is_in_the_schema() -> None:
    for enum, codes, prefix in (
        (CartProblemCode, cart_pb2.CartProblemCode, "CART_PROBLEM_CODE_"),
        (CartWarningCode, cart_pb2.CartWarningCode, "CART_WARNING_CODE_"),
    ):
        known = {name.removeprefix(prefix) for name, number in codes.items() if number}
        assert {member.name for member in enum} == known
