"""Bad input on every field of the journey, through the gateway: the code, the field, and nothing half-written.

Never INTERNAL, never a stack, SQL, host or path: each answer here is checked for that too.
"""

import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.ground import Ground, ground
from tests.e2e.shop import (
    CREATE_ORDER,
    CREATE_PRODUCT,
    LOGIN,
    ORDER,
    PASSWORD,
    REGISTER,
    Answer,
    Person,
    Shop,
)

__all__ = ["ground"]

INDISCREET = re.compile(
    r"Traceback|File \"|asyncpg|SELECT |INSERT |127\.0\.0\.1|/work/|\.py\b|grpc", re.IGNORECASE
)
BAD = "BAD_USER_INPUT"
HOME = {
    "name": "John Doe",
    "line1": "Bahnhofstrasse 1",
    "city": "Zürich",
    "postalCode": "8001",
    "countryCode": "CH",
}


@dataclass(frozen=True)
class World:
    """Who and what there is to be wrong about."""

    shop: Shop
    admin: Person
    buyer: Person
    product: str


@pytest.fixture(scope="session")
async def world(ground: Ground) -> AsyncIterator[World]:
    async with ground.shop() as shop:
        admin = await shop.admin()
        yield World(shop, admin, await shop.register(), await admin.create_product(stock=5))


def refused(answer: Answer, code: str, *fields: str) -> None:
    """That is the answer, and it tells nothing that is none of a caller's business."""
    assert answer.codes == [code], answer.errors
    assert answer.fields == list(fields)
    assert not INDISCREET.search(str(answer.errors)), answer.errors


def fresh() -> dict[str, Any]:
    return {"name": "John Doe", "email": f"x.{secrets.token_hex(6)}@example.com", "password": PASSWORD}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 101),
        ("name", "a\x00b"),
        ("name", "a\nb"),
        ("email", ""),
        ("email", "john"),
        ("email", "john@localhost"),
        ("email", "@example.com"),
        ("email", "x" * 250 + "@example.com"),
        ("email", "a b@example.com"),
        ("password", ""),
        ("password", "short1!"),
        ("password", "x" * 73),
        ("password", "ü" * 37),
        ("password", "password123"),
        ("password", "Secure\x00Pass123!"),
        ("phone", "12345"),
        ("phone", "+0123456789"),
    ],
)
async def test_register_names_the_field(world: World, field: str, value: str) -> None:
    wanted = fresh()

    refused(await world.shop.ask(REGISTER, input={**wanted, field: value}), BAD, field)
    # Nothing was half-written: the address is still free.
    assert (await world.shop.ask(REGISTER, input=wanted)).get("register")["account"]["email"] == wanted[
        "email"
    ]


async def test_register_names_all_fields_at_once(world: World) -> None:
    answer = await world.shop.ask(REGISTER, input={"name": "", "email": "x", "password": "x"})

    assert answer.codes == [BAD]
    assert set(answer.fields) == {"name", "email", "password"}


async def test_a_taken_address_is_already_exists(world: World) -> None:
    wanted = {**fresh(), "email": world.buyer.email.upper()}

    assert (await world.shop.ask(REGISTER, input=wanted)).codes == ["ALREADY_EXISTS"]


async def test_unknown_address_and_wrong_password_look_alike(world: World) -> None:
    wrong = await world.shop.ask(LOGIN, input={"email": world.buyer.email, "password": "WrongPass123!"})
    unknown = await world.shop.ask(LOGIN, input={"email": "nobody@example.com", "password": "WrongPass123!"})

    assert wrong.codes == unknown.codes == ["UNAUTHENTICATED"]
    assert [e["message"] for e in wrong.errors] == [e["message"] for e in unknown.errors]


def laptop() -> dict[str, Any]:
    return {"name": "Laptop", "description": "A thing", "price": "999.99"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 201),
        ("name", "a\x00b"),
        ("description", "x" * 20_001),
        ("description", "a\x00b"),
        ("price", "0"),
        ("price", "-1"),
        ("price", "0.001"),
        ("price", "1.000000000000000001"),
        ("price", "10000000000"),
        ("currency", "XXX"),
        ("currency", "usd dollars"),
        ("sku", "x" * 65),
        ("sku", ""),
        ("category", ""),
        ("category", "x" * 101),
        ("stock", -1),
        ("stock", 1_000_000_001),
        ("images", ["not a url"]),
        ("images", ["ftp://example.com/a.png"]),
        ("images", ["https://example.com/" + "x" * 2000]),
        ("images", ["https://example.com/a.png"] * 21),
    ],
)
async def test_create_product_names_the_field(world: World, field: str, value: Any) -> None:
    answer = await world.admin.ask(CREATE_PRODUCT, input={**laptop(), field: value})

    assert answer.codes == [BAD], answer.errors
    assert {name.split(".")[0] for name in answer.fields} == {field}
    assert not INDISCREET.search(str(answer.errors))


@pytest.mark.parametrize("price", ["1e3", "NaN", "Infinity", "abc", "", "1,5"])
async def test_a_price_that_is_no_plain_decimal_is_refused(world: World, price: str) -> None:
    answer = await world.admin.ask(CREATE_PRODUCT, input={**laptop(), "price": price})

    assert len(answer.codes) == 1
    assert answer.codes[0] in (BAD, "GRAPHQL_VALIDATION_FAILED")


async def test_a_number_with_too_many_decimals_is_refused_not_rounded(world: World) -> None:
    body = '{"query": %s, "variables": {"input": {"name": "L", "description": "d", "price": 1.000000000000000001}}}'
    quoted = '"' + " ".join(CREATE_PRODUCT.split()).replace('"', '\\"') + '"'
    headers = {"Authorization": f"Bearer {world.admin.token}"}

    refused(await world.shop.post(None, headers, content=(body % quoted).encode()), BAD, "price")


async def test_products_are_made_by_admins_only(world: World) -> None:
    refused(await world.buyer.ask(CREATE_PRODUCT, input=laptop()), "FORBIDDEN")
    refused(await world.shop.ask(CREATE_PRODUCT, input=laptop()), "UNAUTHENTICATED")


@pytest.mark.parametrize("text", ["x" * 201])
async def test_a_search_text_has_at_most_200_characters(world: World, text: str) -> None:
    answer = await world.shop.ask("query($q: String!) { products(query: $q) { nodes { id } } }", q=text)

    refused(answer, BAD, "query")


@pytest.mark.parametrize(
    "arguments", ["first: 0", "first: 101", "first: -1", 'after: "forged"', 'after: "%s"' % ("x" * 1001)]
)
async def test_pages_are_asked_for_properly(world: World, arguments: str) -> None:
    answer = await world.shop.ask(f"{{ products({arguments}) {{ nodes {{ id }} }} }}")

    refused(answer, BAD, arguments.split(":")[0])


@pytest.mark.parametrize(
    ("wrong", "field"),
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
async def test_create_order_names_the_field(world: World, wrong: dict[str, Any], field: str) -> None:
    order = {"products": [{"quantity": 1}], **wrong}
    order["products"] = [{"id": world.product, **line} for line in order["products"]]

    refused(await world.buyer.ask(CREATE_ORDER, input=order), BAD, field)
    assert await world.admin.stock(world.product) == 5


async def test_an_unknown_product_is_not_found_by_its_line(world: World) -> None:
    unknown = "prod_01h455vb4pex5vsknk084sn02q"

    refused(await world.buyer.try_to_buy(world.product, unknown), "NOT_FOUND", "products.1.id")
    assert await world.admin.stock(world.product) == 5


async def test_more_than_there_is_is_out_of_stock_with_what_there_is(world: World) -> None:
    answer = await world.buyer.try_to_buy((world.product, 6))

    assert answer.codes == ["OUT_OF_STOCK"]
    [line] = answer.errors[0]["extensions"]["lines"]
    assert line["available"] == 5
    assert await world.admin.stock(world.product) == 5


async def test_another_total_than_the_buyer_saw_is_price_changed(world: World) -> None:
    answer = await world.buyer.try_to_buy(world.product, expectedTotal="1.00")

    assert answer.codes == ["PRICE_CHANGED"]
    assert await world.admin.stock(world.product) == 5


async def test_two_currencies_in_one_order_are_refused(world: World) -> None:
    euros = await world.admin.create_product(currency="EUR")
    answer = await world.buyer.try_to_buy(world.product, euros)

    assert answer.codes == [BAD]
    assert answer.errors[0]["extensions"]["reason"] == "MIXED_CURRENCY"
    assert await world.admin.stock(world.product) == 5


@pytest.mark.parametrize("price", ["0.49", "9999999.99"])
async def test_a_total_that_no_provider_charges_is_refused(world: World, price: str) -> None:
    product = await world.admin.create_product(price=price)
    answer = await world.buyer.try_to_buy(product)

    assert answer.codes == [BAD]
    assert answer.errors[0]["extensions"]["reason"] == "TOTAL_OUT_OF_RANGE"


async def test_ordering_needs_a_token_of_ones_own(world: World) -> None:
    order = {"products": [{"id": world.product, "quantity": 1}]}
    stranger = await world.shop.register()

    refused(await world.shop.ask(CREATE_ORDER, input=order), "UNAUTHENTICATED")
    refused(await world.buyer.ask(CREATE_ORDER, input={**order, "accountId": stranger.id}), "FORBIDDEN")


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Basic dXNlcjpwYXNz", "Bearer a.b.c", "nonsense"])
async def test_a_header_that_is_no_valid_token_is_unauthenticated(world: World, header: str) -> None:
    answer = await world.shop.post({"query": "{ me { id } }"}, {"Authorization": header})

    assert answer.codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize("order_id", ["", "7", "prod_01h455vb4pex5vsknk084sn02q", "ord_" + "z" * 26])
async def test_a_malformed_id_is_bad_input(world: World, order_id: str) -> None:
    refused(await world.buyer.ask(ORDER, id=order_id), BAD, "id")


async def test_an_unknown_id_is_null_without_an_error(world: World) -> None:
    assert await world.buyer.order("ord_01h455vb4pex5vsknk084sn02q") is None


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "BAD_REQUEST"),
        (b"", "BAD_REQUEST"),
        (b"[]", "BAD_REQUEST"),
        (b'"query"', "BAD_REQUEST"),
        (b"{}", "BAD_REQUEST"),
        (b'{"query": 7}', "BAD_REQUEST"),
        (b'{"query": "{ me { id } }", "variables": 7}', "BAD_REQUEST"),
        (b"\xff\xfe", "BAD_REQUEST"),
        (b'{"query": "{ me { id "}', "GRAPHQL_PARSE_FAILED"),
        (b'{"query": ""}', "GRAPHQL_PARSE_FAILED"),
        (b'{"query": "{ nobody { id } }"}', "GRAPHQL_VALIDATION_FAILED"),
        (b'{"query": "{ me { password } }"}', "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_malformed_request_says_so(world: World, content: bytes, code: str) -> None:
    answer = await world.shop.post(None, content=content)

    refused(answer, code)
    assert answer.status < 500
