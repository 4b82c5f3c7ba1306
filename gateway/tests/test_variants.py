"""Variants over HTTP with fake services behind the gateway."""

from typing import Any

from gateway.peers.variants import variant_of
from gateway.tests.fakes.variants import UNKNOWN, one_variant
from gateway.tests.world import World, forget, world
from kit.values import PRODUCT, VARIANT, Money, money_to_proto

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


async def test_a_variant_has_its_product_and_an_unknown_one_is_null(world: World) -> None:
    variant_id = VARIANT.format(VARIANT.new())

    answer = await world.ask(
        f'{{ variant(id: "{variant_id}") {{ id sku price currency compareAtPrice available stock weightGrams requiresShipping '
        f"maxPerOrder options {{ name value }} product {{ name priceMax taxClass options {{ name values }} }} }} "
        f'unknown: variant(id: "{UNKNOWN}") {{ id }} }}'
    )

    assert answer["data"] == {
        "variant": {
            "id": variant_id,
            "sku": "MUG-R",
            "price": "9.99",
            "currency": "USD",
            "compareAtPrice": "12.00",
            "available": True,
            "stock": None,
            "weightGrams": 250,
            "requiresShipping": True,
            "maxPerOrder": None,
            "options": [{"name": "Color", "value": "red"}],
            "product": {"name": "Mug", "priceMax": "9.99", "taxClass": "standard", "options": []},
        },
        "unknown": None,
    }


async def test_stock_beyond_an_int_is_shown_as_the_largest_int(world: World) -> None:
    answer = await world.ask(
        f'mutation {{ adjustStock(productId: "{PRODUCT.format(ID)}", delta: 2147483647, idempotencyKey: "k") {{ stock }} }}'
    )
    message = one_variant(VARIANT.format(ID))
    message.stock = 2**31

    assert answer == {"data": {"adjustStock": {"stock": 2**31 - 1}}}
    assert variant_of(message).stock == 2**31 - 1


async def test_the_first_variants_of_a_page_of_products_take_one_call(world: World) -> None:
    answer = await world.ask(
        '{ products(first: 3) { nodes { variants(first: 2, options: [{name: "Color", value: "red"}]) '
        "{ totalCount nodes { id } pageInfo { hasNextPage } } } } }"
    )

    pages = [product["variants"] for product in answer["data"]["products"]["nodes"]]
    assert [(page["totalCount"], len(page["nodes"])) for page in pages] == [(7, 1)] * 3
    request, _ = world.recorder.last("BatchListVariants")
    assert len(request.product_ids) == 3
    assert (request.list.page_size, request.list.count_total, request.list.options[0].value) == (
        2,
        True,
        "red",
    )
    await world.ask(
        f'{{ product(id: "{PRODUCT.format(ID)}") {{ variants(after: "after it") {{ edges {{ cursor node {{ sku }} }} }} }} }}'
    )
    request, _ = world.recorder.last("ListVariants")
    assert (request.product_id, request.page_token) == (PRODUCT.format(ID), "after it")


async def test_variants_are_declared_in_the_products_currency(world: World) -> None:
    document = """mutation ($id: ID!, $options: [ProductOptionInput!]!, $variants: [VariantInput!]!) {
        setVariants(productId: $id, options: $options, variants: $variants, expectedVersion: 4) { priceMax options { name values } } }"""
    small = {"options": [{"name": "Size", "value": "S"}], "price": "10.00"}
    medium = {
        "id": VARIANT.format(ID),
        "options": [{"name": "Size", "value": "M"}],
        "price": "12.50",
        "compareAtPrice": "20.00",
        "sku": "M-1",
        "weightGrams": 250,
        "requiresShipping": False,
        "maxPerOrder": 3,
        "stock": 9,
    }

    answer = await world.ask(
        document,
        id=PRODUCT.format(ID),
        options=[{"name": "Size", "values": ["S", "M"]}],
        variants=[small, medium],
    )

    assert answer["data"]["setVariants"] == {
        "priceMax": "12.50",
        "options": [{"name": "Size", "values": ["S", "M"]}],
    }
    request, _ = world.recorder.last("SetVariants")
    first, second = request.variants
    assert (request.expected_version, first.requires_shipping, first.HasField("stock"), first.id) == (
        4,
        True,
        False,
        "",
    )
    assert (second.id, second.sku, second.weight_grams, second.requires_shipping) == (
        VARIANT.format(ID),
        "M-1",
        250,
        False,
    )
    assert (second.max_per_order, second.stock, second.compare_at_price) == (
        3,
        9,
        money_to_proto(Money(2000, "USD")),
    )


async def test_as_many_variants_are_declared_as_a_product_may_have(world: World) -> None:
    names = ("Size", "Color", "Material")
    values = [str(number) for number in range(100)]
    variants = [
        {
            "id": VARIANT.format(VARIANT.new()),
            "options": [{"name": name, "value": values[0]} for name in names],
            "price": "12.50",
            "compareAtPrice": "20.00",
            "sku": f"M-{number}",
            "weightGrams": 250,
            "requiresShipping": True,
            "maxPerOrder": 3,
            "stock": 9,
        }
        for number in range(2048)
    ]

    document = """mutation ($id: ID!, $options: [ProductOptionInput!]!, $variants: [VariantInput!]!) {
        setVariants(productId: $id, options: $options, variants: $variants) { id } }"""
    inputs: dict[str, Any] = {
        "id": PRODUCT.format(ID),
        "options": [{"name": name, "values": values} for name in names],
        "variants": variants,
    }

    rejected = await world.ask(document, **inputs)
    await world.ask(document, by_admin=True, **inputs)

    assert rejected["errors"][0]["extensions"]["fields"][0]["message"] == "must have at most 1,000 entries"

    request, _ = world.recorder.last("SetVariants")
    assert len(request.variants) == 2048


async def test_an_update_sends_only_what_is_given_and_null_clears(world: World) -> None:
    variant_id = VARIANT.format(VARIANT.new())
    await world.ask(
        f'mutation {{ updateVariant(id: "{variant_id}", '
        "input: {price: 8, compareAtPrice: null, sku: null, maxPerOrder: null}) { id } }"
    )
    request, _ = world.recorder.last("UpdateVariant")
    assert request.price == money_to_proto(Money(800, "USD"))
    assert request.HasField("compare_at_price")
    assert request.compare_at_price == money_to_proto(Money(0, "USD"))
    assert (request.HasField("sku"), request.sku, request.HasField("max_per_order")) == (True, "", True)
    assert not request.HasField("weight_grams")
    assert not request.HasField("requires_shipping")
    answer = await world.ask(
        f'mutation {{ updateVariant(id: "{variant_id}", input: {{weightGrams: null, maxPerOrder: 0}}) {{ id }} }}'
    )
    assert [field["path"] for field in answer["errors"][0]["extensions"]["fields"]] == [["weightGrams"]]


async def test_products_are_filtered_by_options_and_stock_takes_a_variant(world: World) -> None:
    variant_id = VARIANT.format(VARIANT.new())
    await world.ask('{ products(filter: {options: [{name: "Size", values: ["S", "M"]}]}) { nodes { id } } }')
    request, _ = world.recorder.last("SearchProducts")
    assert [(option.name, list(option.values)) for option in request.options] == [("Size", ["S", "M"])]
    await world.ask(
        f'mutation {{ adjustStock(productId: "{variant_id}", delta: 2, idempotencyKey: "k") {{ id }} '
        f'setStock(productId: "{variant_id}", stock: 2) {{ id }} }}'
    )
    for name in ("AdjustStock", "SetStock"):
        request, _ = world.recorder.last(name)
        assert request.product_id == variant_id


async def test_every_price_that_the_currency_does_not_have_is_named(world: World) -> None:
    document = """mutation ($id: ID!, $variants: [VariantInput!]!) {
        setVariants(productId: $id, options: [], variants: $variants) { id } }"""
    variants = [{"price": "1.001"}, {"price": "1.001", "compareAtPrice": "2.001"}]

    [error] = (await world.ask(document, id=PRODUCT.format(ID), variants=variants))["errors"]

    assert [field["path"] for field in error["extensions"]["fields"]] == [
        ["variants", 0, "price"],
        ["variants", 1, "price"],
        ["variants", 1, "compareAtPrice"],
    ]
