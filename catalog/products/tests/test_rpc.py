"""The gRPC methods of products on a server in this process: mapping and rejections."""

from typing import Any

import pytest
from souk.catalog.v1 import product_pb2

from catalog.tests.edge import PRICE, Edge, edge
from kit.errors import (
    Aborted,
    AlreadyExists,
    NotFound,
)
from kit.values import ORDER, PRODUCT, Money, encode_cursor, money_to_proto

__all__ = ["edge"]


async def test_create_product_returns_all_fields(edge: Edge) -> None:
    images = ["https://cdn.test/mug.png"]

    product = await edge.create("Mug", sku="MUG-1", category="Kitchen & Home", image_urls=images, stock=5)

    assert product.id.startswith("prod_")
    assert (product.name, product.description, product.sku, list(product.image_urls)) == (
        "Mug",
        "Steel",
        "MUG-1",
        images,
    )
    assert (product.category.slug, product.category.name) == ("kitchen-home", "Kitchen & Home")
    assert (product.price, product.stock, product.available, product.version) == (PRICE, 5, True, 1)
    assert product.create_time == product.update_time
    assert product.create_time.seconds


async def test_create_product_returns_no_stock_if_it_is_not_tracked(edge: Edge) -> None:
    product = await edge.create()

    assert (product.HasField("stock"), product.available) == (False, True)
    assert (await edge.create(stock=0)).HasField("stock")


async def test_create_product_reports_all_violations(edge: Edge) -> None:
    fields: dict[str, Any] = {"name": "", "price": PRICE, "sku": "s" * 65, "stock": -1, "image_urls": ["x"]}

    assert await edge.violations("CreateProduct", **fields) == [
        ("name",),
        ("sku",),
        ("images", 0),
        ("stock",),
    ]


@pytest.mark.parametrize(
    "price",
    [
        {},
        {"currency_code": "XXX", "units": 1},
        {"currency_code": "USD"},
        {"currency_code": "USD", "units": -1},
        {"currency_code": "USD", "nanos": 1_000_000},
        {"currency_code": "JPY", "units": 1, "nanos": 500_000_000},
        {"currency_code": "USD", "units": 10_000_000_000},
        {"currency_code": "USD", "units": 2**62},
    ],
)
async def test_create_product_rejects_invalid_prices(edge: Edge, price: dict[str, Any]) -> None:
    assert await edge.violations("CreateProduct", name="Mug", price=price) == [("price",)]


async def test_create_product_rejects_a_taken_sku(edge: Edge) -> None:
    await edge.create(sku="MUG-1")

    with pytest.raises(AlreadyExists) as error:
        await edge.create("Cup", sku="MUG-1")
    assert error.value.reason == "SKU_TAKEN"


async def test_get_product_returns_the_quantity_to_an_admin_only(edge: Edge) -> None:
    product_id = (await edge.create(stock=5)).id

    for caller in (None, edge.customer):
        product = await edge.get(caller, product_id)
        assert (product.name, product.available, product.HasField("stock")) == ("Mug", True, False)
    assert (await edge.get(edge.admin, product_id)).stock == 5


async def test_get_product_returns_availability_to_every_caller(edge: Edge) -> None:
    product_id = (await edge.create(stock=0)).id

    assert not (await edge.get(None, product_id)).available


async def test_get_product_of_an_unknown_id_is_not_found(edge: Edge) -> None:
    with pytest.raises(NotFound) as error:
        await edge.get(None, PRODUCT.format(PRODUCT.new()))
    assert error.value.reason == "PRODUCT_NOT_FOUND"


@pytest.mark.parametrize("product_id", ["", "prod_", "7", "prod_" + "z" * 26, ORDER.format(ORDER.new())])
@pytest.mark.parametrize("method", ["GetProduct", "UpdateProduct", "DeleteProduct"])
async def test_an_invalid_product_id_is_rejected(edge: Edge, method: str, product_id: str) -> None:
    assert await edge.violations(method, product_id=product_id) == [("id",)]


async def test_batch_get_products_omits_unknown_products(edge: Edge) -> None:
    ids = [(await edge.create(name, stock=5)).id for name in ("Mug", "Cup")]
    unknown = PRODUCT.format(PRODUCT.new())

    products = (
        await edge.call(edge.customer, "BatchGetProducts", product_ids=[*ids, unknown, ids[0]])
    ).products

    assert sorted(product.id for product in products) == sorted(ids)
    assert not any(product.HasField("stock") for product in products)
    products = (await edge.call(edge.admin, "BatchGetProducts", product_ids=ids)).products
    assert [product.stock for product in products] == [5, 5]


async def test_batch_get_products_accepts_up_to_100_product_ids(edge: Edge) -> None:
    ids = [PRODUCT.format(PRODUCT.new()) for _ in range(101)]

    assert not (await edge.call(None, "BatchGetProducts", product_ids=ids[:100])).products
    assert not (await edge.call(None, "BatchGetProducts")).products
    assert await edge.violations("BatchGetProducts", product_ids=ids) == [("product_ids",)]
    assert await edge.violations("BatchGetProducts", product_ids=[ids[0], "7"]) == [("product_ids", 1)]


async def test_list_products_returns_pages_newest_first(edge: Edge) -> None:
    names = [(await edge.create(str(number), stock=number)).name for number in range(5)]

    first = await edge.call(None, "ListProducts", page_size=3)
    second = await edge.call(edge.admin, "ListProducts", page_size=3, page_token=first.next_page_token)

    assert [product.name for page in (first, second) for product in page.products] == names[::-1]
    assert second.next_page_token == ""
    assert [product.HasField("stock") for product in [*first.products, *second.products]] == [False] * 3 + [
        True
    ] * 2


@pytest.mark.parametrize("size", [-1, 101])
@pytest.mark.parametrize("method", ["ListProducts", "SearchProducts"])
async def test_a_page_has_between_1_and_100_products(edge: Edge, method: str, size: int) -> None:
    assert await edge.violations(method, page_size=size) == [("first",)]


@pytest.mark.parametrize(
    "token",
    [
        "%",
        "x" * 2000,
        encode_cursor("something else", ["2026-01-01T00:00:00+00:00", PRODUCT.new().hex]),
        encode_cursor("products newest", []),
        encode_cursor("products newest", ["yesterday", "7"]),
        encode_cursor("products newest", ["0001-01-01T00:00:00+14:00", PRODUCT.new().hex]),
        encode_cursor("products newest", [1, 2]),
    ],
)
async def test_list_products_rejects_invalid_cursors(edge: Edge, token: str) -> None:
    await edge.create()

    assert await edge.violations("ListProducts", page_token=token) == [("after",)]


async def test_update_product_changes_only_the_given_fields(edge: Edge) -> None:
    product = await edge.create(
        sku="MUG-1", category="Kitchen", image_urls=["https://cdn.test/m.png"], stock=5
    )

    cup = (await edge.call(edge.admin, "UpdateProduct", product_id=product.id, name="Cup")).product

    expected = product_pb2.Product()
    expected.CopyFrom(product)
    expected.MergeFrom(product_pb2.Product(name="Cup", version=2, update_time=cup.update_time))
    assert cup == expected
    assert cup.update_time.seconds > product.update_time.seconds


async def test_update_product_clears_fields_given_empty(edge: Edge) -> None:
    product = await edge.create(sku="MUG-1", category="Kitchen", image_urls=["https://cdn.test/m.png"])

    fields: dict[str, Any] = {"sku": "", "category": "", "images": {"urls": []}, "description": ""}
    changed = (await edge.call(edge.admin, "UpdateProduct", product_id=product.id, **fields)).product

    assert (
        changed.sku,
        changed.HasField("category"),
        list(changed.image_urls),
        changed.description,
    ) == ("", False, [], "")


async def test_update_product_rejects_an_outdated_version_and_reports_the_current_one(edge: Edge) -> None:
    product = await edge.create()
    for name in ("Cup", "Pot"):
        await edge.call(edge.admin, "UpdateProduct", product_id=product.id, name=name)

    with pytest.raises(Aborted) as error:
        await edge.call(edge.admin, "UpdateProduct", product_id=product.id, name="Jug", expected_version=1)
    assert (error.value.reason, error.value.details["version"]) == ("VERSION_CONFLICT", 3)


async def test_update_product_reports_violations(edge: Edge) -> None:
    product = await edge.create()
    invalid: dict[str, Any] = {"name": "", "images": {"urls": ["https://cdn.test/m.png", "x"]}}

    assert await edge.violations("UpdateProduct", product_id=product.id, **invalid) == [
        ("name",),
        ("images", 1),
    ]
    euro = money_to_proto(Money(999, "EUR"))
    assert await edge.violations("UpdateProduct", product_id=product.id, price=euro) == [("price",)]


async def test_delete_product_returns_the_product_and_then_it_is_not_found(edge: Edge) -> None:
    product = await edge.create(stock=5)

    assert (await edge.call(edge.admin, "DeleteProduct", product_id=product.id)).product == product
    for again in (
        edge.get(edge.admin, product.id),
        edge.call(edge.admin, "DeleteProduct", product_id=product.id),
    ):
        with pytest.raises(NotFound):
            await again


async def test_get_product_reads_no_stock_for_a_caller_that_omits_it(edge: Edge) -> None:
    created = await edge.create(stock=5)
    edge.stock.free_calls.clear()

    response = await edge.call(edge.admin, "GetProduct", product_id=created.id, omit_stock=True)

    assert (response.product.name, response.product.HasField("stock"), response.product.available) == (
        "Mug",
        False,
        False,
    )
    assert edge.stock.free_calls == []
    with pytest.raises(NotFound):
        await edge.call(None, "GetProduct", product_id=PRODUCT.format(PRODUCT.new()), omit_stock=True)
