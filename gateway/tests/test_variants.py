"""Variants over HTTP with fake services behind the gateway."""

from gateway.tests.world import World, forget, world
from kit.values import PRODUCT, VARIANT

__all__ = ["forget", "world"]

ID = PRODUCT.new()


async def test_lines_of_an_order_have_variant_sku_and_options(world: World) -> None:
    product_id, variant_id = PRODUCT.format(ID), VARIANT.format(VARIANT.new())

    answer = await world.ask(
        f'mutation {{ createOrder(input: {{products: [{{id: "{product_id}", quantity: 2}}, {{id: "{variant_id}", quantity: 2}}]}}) '
        "{ lines { productId variantId sku options { name value } } } }"
    )

    plain, red = answer["data"]["createOrder"]["lines"]
    assert plain == {"productId": product_id, "variantId": VARIANT.format(ID), "sku": None, "options": []}
    assert (red["variantId"], red["sku"]) == (variant_id, "MUG-R")
    assert red["options"] == [{"name": "Color", "value": "red"}]
    request, _ = world.recorder.last("PlaceOrder")
    assert [line.product_id for line in request.lines] == [product_id, variant_id]
