"""Invalid input for accounts, products and requests: the error code, the field, and no partial effect."""

import secrets
from typing import Any

import pytest

from tests.e2e.bad_input import BAD, INTERNALS, World, assert_rejected, stack, world
from tests.e2e.documents import CREATE_PRODUCT, LOGIN, REGISTER
from tests.e2e.shop import PASSWORD

__all__ = ["stack", "world"]


def new_account() -> dict[str, Any]:
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
    account = new_account()

    assert_rejected(await world.shop.execute(REGISTER, input={**account, field: value}), BAD, field)
    # No partial effect: the address is still available.
    assert (await world.shop.execute(REGISTER, input=account)).get("register")["account"]["email"] == account[
        "email"
    ]


async def test_register_names_all_fields_at_once(world: World) -> None:
    response = await world.shop.execute(REGISTER, input={"name": "", "email": "x", "password": "x"})

    assert response.codes == [BAD]
    assert set(response.fields) == {"name", "email", "password"}


async def test_a_taken_address_is_already_exists(world: World) -> None:
    account = {**new_account(), "email": world.buyer.email.upper()}

    assert (await world.shop.execute(REGISTER, input=account)).codes == ["ALREADY_EXISTS"]


async def test_an_unknown_address_and_a_wrong_password_give_the_same_error(world: World) -> None:
    wrong = await world.shop.execute(LOGIN, input={"email": world.buyer.email, "password": "WrongPass123!"})
    unknown = await world.shop.execute(
        LOGIN, input={"email": "unknown@example.com", "password": "WrongPass123!"}
    )

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
    response = await world.admin.execute(CREATE_PRODUCT, input={**laptop(), field: value})

    assert response.codes == [BAD], response.errors
    assert {name.split(".")[0] for name in response.fields} == {field}
    assert not INTERNALS.search(str(response.errors))


@pytest.mark.parametrize("price", ["1e3", "NaN", "Infinity", "abc", "", "1,5"])
async def test_a_price_must_be_a_plain_decimal(world: World, price: str) -> None:
    response = await world.admin.execute(CREATE_PRODUCT, input={**laptop(), "price": price})

    assert len(response.codes) == 1
    assert response.codes[0] in (BAD, "GRAPHQL_VALIDATION_FAILED")


async def test_a_number_with_too_many_decimals_is_rejected_and_not_rounded(world: World) -> None:
    body = '{"query": %s, "variables": {"input": {"name": "L", "description": "d", "price": 1.000000000000000001}}}'
    quoted = '"' + " ".join(CREATE_PRODUCT.split()).replace('"', '\\"') + '"'
    headers = {"Authorization": f"Bearer {world.admin.token}"}

    assert_rejected(await world.shop.post(None, headers, content=(body % quoted).encode()), BAD, "price")


async def test_only_admins_create_products(world: World) -> None:
    assert_rejected(await world.buyer.execute(CREATE_PRODUCT, input=laptop()), "FORBIDDEN")
    assert_rejected(await world.shop.execute(CREATE_PRODUCT, input=laptop()), "UNAUTHENTICATED")


@pytest.mark.parametrize("text", ["x" * 201])
async def test_a_search_text_has_at_most_200_characters(world: World, text: str) -> None:
    response = await world.shop.execute("query($q: String!) { products(query: $q) { nodes { id } } }", q=text)

    assert_rejected(response, BAD, "query")


@pytest.mark.parametrize(
    "arguments", ["first: 0", "first: 101", "first: -1", 'after: "forged"', 'after: "%s"' % ("x" * 1001)]
)
async def test_page_arguments_are_validated(world: World, arguments: str) -> None:
    response = await world.shop.execute(f"{{ products({arguments}) {{ nodes {{ id }} }} }}")

    assert_rejected(response, BAD, arguments.split(":")[0])


@pytest.mark.parametrize("header", ["Bearer", "Bearer x", "Basic dXNlcjpwYXNz", "Bearer a.b.c", "nonsense"])
async def test_an_invalid_authorization_header_is_unauthenticated(world: World, header: str) -> None:
    response = await world.shop.post({"query": "{ me { id } }"}, {"Authorization": header})

    assert response.codes == ["UNAUTHENTICATED"]


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
        (b'{"query": "{ unknown { id } }"}', "GRAPHQL_VALIDATION_FAILED"),
        (b'{"query": "{ me { password } }"}', "GRAPHQL_VALIDATION_FAILED"),
    ],
)
async def test_a_malformed_request_is_rejected(world: World, content: bytes, code: str) -> None:
    response = await world.shop.post(None, content=content)

    assert_rejected(response, code)
    assert response.status < 500
