"""Invalid input for orders: the error code, the field, and no partial effect."""

from typing import Any

import pytest

from tests.e2e.bad_input import BAD, World, assert_rejected, stack, world
from tests.e2e.documents import CREATE_ORDER, ORDER

__all__ = ["stack", "world"]

HOME = {
    "name": "John Doe",
    "line1": "Bahnhofstrasse 1",
    "city": "Zürich",
    "postalCode": "8001",
    "countryCode": "CH",
}


@pytest.mark.parametrize(
    ("invalid", "field"),
    [
        ({"products": []}, "products"),
        ({"products": [{"quantity": 0}]}, "products.0.quantity"),
        ({"products": [{"quantity": -1}]}, "products.0.quantity"),
        ({"products": [{"quantity": 10_001}]}, "products.0.quantity"),
        ({"products": [{"quantity": 6_000}, {"quantity": 6_000}]}, "products.1.quantity"),
        ({"products": [{"quantity": 1}] * 101}, "products"),
        ({"products": [{"id": "", "quantity": 1}]}, "products.0.id"),
        ({"products": [{"id": "7", "quantity": 1}]}, "products.0.id"),
        ({"products": [{"id": "ord_01h455vb4pex5vsknk084sn02q", "quantity": 1}]}, "products.0.id"),
        ({"products": [{"id": "prod_01h455vb4pex5vsknk084sn02!", "quantity": 1}]}, "products.0.id"),
        ({"accountId": "john"}, "accountId"),
        ({"accountId": ""}, "accountId"),
        ({"paymentMethod": ""}, "paymentMethod"),
        ({"accountId": "prod_01h455vb4pex5vsknk084sn02q"}, "accountId"),
        ({"paymentMethod": "4242424242424242"}, "paymentMethod"),
        ({"paymentMethod": "4000 0000 0000 0002"}, "paymentMethod"),
        ({"paymentMethod": "x" * 256}, "paymentMethod"),
        ({"idempotencyKey": ""}, "idempotencyKey"),
        ({"idempotencyKey": "x" * 256}, "idempotencyKey"),
        ({"shippingAddress": {**HOME, "name": ""}}, "shippingAddress.name"),
        ({"shippingAddress": {**HOME, "line1": "x" * 101}}, "shippingAddress.line1"),
        ({"shippingAddress": {**HOME, "city": "a\x00b"}}, "shippingAddress.city"),
        ({"shippingAddress": {**HOME, "countryCode": "XX"}}, "shippingAddress.countryCode"),
        ({"shippingAddress": {**HOME, "countryCode": "Switzerland"}}, "shippingAddress.countryCode"),
    ],
)
async def test_create_order_names_the_field(world: World, invalid: dict[str, Any], field: str) -> None:
    order = {"products": [{"quantity": 1}], **invalid}
    order["products"] = [{"id": world.product, **line} for line in order["products"]]

    assert_rejected(await world.buyer.execute(CREATE_ORDER, input=order), BAD, field)
    assert await world.admin.stock(world.product) == 5


async def test_an_unknown_product_is_reported_with_its_line(world: World) -> None:
    unknown = "prod_01h455vb4pex5vsknk084sn02q"

    assert_rejected(await world.buyer.try_to_buy(world.product, unknown), "NOT_FOUND", "products.1.id")
    assert await world.admin.stock(world.product) == 5


async def test_out_of_stock_states_the_available_quantity(world: World) -> None:
    response = await world.buyer.try_to_buy((world.product, 6))

    assert response.codes == ["OUT_OF_STOCK"]
    [line] = response.errors[0]["extensions"]["lines"]
    assert line["available"] == 5
    assert await world.admin.stock(world.product) == 5


async def test_an_unexpected_total_is_price_changed(world: World) -> None:
    response = await world.buyer.try_to_buy(world.product, expectedTotal="1.00")

    assert response.codes == ["PRICE_CHANGED"]
    assert await world.admin.stock(world.product) == 5


async def test_an_order_has_one_currency(world: World) -> None:
    euros = await world.admin.create_product(currency="EUR")
    response = await world.buyer.try_to_buy(world.product, euros)

    assert response.codes == [BAD]
    assert response.errors[0]["extensions"]["reason"] == "MIXED_CURRENCY"
    assert await world.admin.stock(world.product) == 5


@pytest.mark.parametrize("price", ["0.49", "9999999.99"])
async def test_a_total_that_the_provider_cannot_charge_is_rejected(world: World, price: str) -> None:
    product = await world.admin.create_product(price=price)
    response = await world.buyer.try_to_buy(product)

    assert response.codes == [BAD]
    assert response.errors[0]["extensions"]["reason"] == "TOTAL_OUT_OF_RANGE"


async def test_ordering_for_another_account_is_forbidden(world: World) -> None:
    order = {"products": [{"id": world.product, "quantity": 1}]}
    stranger = await world.shop.register()

    assert_rejected(await world.shop.execute(CREATE_ORDER, input=order), "UNAUTHENTICATED")
    assert_rejected(
        await world.buyer.execute(CREATE_ORDER, input={**order, "accountId": stranger.id}), "FORBIDDEN"
    )


@pytest.mark.parametrize("order_id", ["", "7", "prod_01h455vb4pex5vsknk084sn02q", "ord_" + "z" * 26])
async def test_a_malformed_id_is_bad_input(world: World, order_id: str) -> None:
    assert_rejected(await world.buyer.execute(ORDER, id=order_id), BAD, "id")


async def test_an_unknown_id_is_null_without_an_error(world: World) -> None:
    assert await world.buyer.order("ord_01h455vb4pex5vsknk084sn02q") is None
