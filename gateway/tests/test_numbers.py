"""Numbers and amounts are read as the client wrote them."""

import json
from decimal import Decimal
from typing import Any

import pytest
from graphql import (
    GraphQLBoolean,
    GraphQLFloat,
    GraphQLID,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
)

from gateway.tests.listening import listening
from gateway.tests.operations import CREATE, PLACE, PRODUCT_ID, SEARCH
from gateway.tests.world import World, forget, world
from kit.graphql.parsing import Number, convert_numbers
from kit.graphql.tests.sockets import signed_in

__all__ = ["forget", "world"]


@pytest.mark.parametrize("number", ["10", "10.0", "1e1", "1E+1", "100e-1", "10.000"])
async def test_an_int_may_be_written_in_any_notation(world: World, number: str) -> None:
    body = f'{{"query": {json.dumps(SEARCH)}, "variables": {{"n": {number}}}}}'
    answer = (await world.post(body.encode())).json()
    assert "errors" not in answer
    assert world.recorder.last("SearchProducts")[0].page_size == 10
    # A list of ten is charged as one.
    assert answer["extensions"]["cost"]["cost"] == 16


async def test_whole_numbers_within_inputs_and_for_ids(world: World) -> None:
    quantity = f'{{"products": [{{"id": "{PRODUCT_ID}", "quantity": 2.0}}]}}'
    body = f'{{"query": {json.dumps(PLACE)}, "variables": {{"i": {quantity}}}}}'
    assert "errors" not in (await world.post(body.encode(), signed_in=True)).json()
    assert world.recorder.last("PlaceOrder")[0].lines[0].quantity == 2
    query = "query($id: ID!) { product(id: $id) { id } }"
    await world.post(f'{{"query": "{query}", "variables": {{"id": 7.0}}}}'.encode())
    assert world.recorder.last("GetProduct")[0].product_id == "7"


@pytest.mark.parametrize(
    ("query", "variables", "shown"),
    [
        (SEARCH, '{"n": 10.5}', "10.5"),
        (SEARCH, '{"n": 1e999999999}', "1e999999999"),
        (SEARCH, '{"n": 3000000000.0}', "3000000000.0"),
        (SEARCH, '{"f": 1.5}', "to be an object"),
        (SEARCH, '{"f": {"available": 1.0}}', "1.0"),
        (SEARCH, '{"f": {"categories": [1.50]}}', "String cannot represent"),
        ("query($s: ProductSort) { products(sort: $s) { nodes { id } } }", '{"s": 2.5}', "2.5"),
        (
            "query($q: String) { products(query: $q) { nodes { id } } }",
            '{"q": 1.10}',
            "String cannot represent",
        ),
        ("query($id: ID!) { product(id: $id) { id } }", '{"id": 1.5}', "1.5"),
        ("query($i: CreateProductInput!) { me { id } }", '{"i": {"name": 2.50}}', ""),
        (CREATE, '{"i": {"name": 2.50, "description": "", "price": 1}}', "String cannot represent"),
        (CREATE, '{"i": {"name": "x", "description": "", "price": [1.25]}}', ""),
    ],
)
async def test_an_invalid_number_is_shown_as_the_client_wrote_it(
    world: World, query: str, variables: str, shown: str
) -> None:
    answer = await world.post(f'{{"query": {json.dumps(query)}, "variables": {variables}}}'.encode())
    messages = " ".join(error["message"] for error in answer.json()["errors"])
    assert "instance" not in messages
    assert "Decimal(" not in messages
    assert shown in messages
    assert world.recorder.calls == []


# The exponent has more digits than a Decimal's.
FAR = ["1e9999999999999999999", "0e9999999999999999999", "1e-9999999999999999999", "-1E+9999999999999999999"]


@pytest.mark.parametrize("number", [*FAR, "0." + "1" * 200, "1" * 5000])
@pytest.mark.parametrize("place", ["variables", "extensions"])
async def test_a_number_out_of_range_is_a_bad_request_by_post_and_get(
    world: World, number: str, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = f'{{"n": {number}}}'
    posted = await world.post(f'{{"query": "{{ __typename }}", "{place}": {text}}}'.encode())
    got = await world.http.get("/graphql", params={"query": "{ __typename }", place: text})
    for response in (posted, got):
        assert response.status_code == 400
        [error] = response.json()["errors"]
        assert error["extensions"]["code"] == "BAD_REQUEST"
        assert number not in FAR or number in error["message"]
        assert len(error["message"]) < 300
    assert caplog.records == []


@pytest.mark.parametrize("payload", [f'"variables": {{"n": {number}}}' for number in [*FAR, "1" * 5000]])
async def test_a_number_out_of_range_fails_its_operation_and_not_the_socket(payload: str) -> None:
    async with listening() as world, signed_in(world.app(), world.token()) as socket:
        socket.send_text(
            '{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", ' + payload + "}}"
        )
        message = await socket.receive()
        assert (message["type"], message["id"]) == ("error", "1")
        assert message["payload"][0]["extensions"]["code"] == "BAD_REQUEST"
        socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize(
    "document",
    [
        f"{{ products(first: {'1' * 5000}) {{ nodes {{ id }} }} }}",
        f"{{ products(first: -{'1' * 5000}.5) {{ nodes {{ id }} }} }}",
        f"query($id: ID! = {'1' * 5000}) {{ product(id: $id) {{ id }} }}",
        f"{{ product(id: {'1' * 5000}) {{ id }} }}",
        f"{{ products(first: 1) @include(if: {'1' * 5000}) {{ nodes {{ id }} }} }}",
    ],
)
async def test_a_number_of_5000_digits_in_a_document_is_rejected_briefly(world: World, document: str) -> None:
    response = await world.post({"query": document})
    [error] = response.json()["errors"]
    assert error["message"] == "a number may have up to 100 characters"
    assert error["extensions"]["code"] == "BAD_USER_INPUT"
    assert len(response.text) < 500


@pytest.mark.parametrize(
    ("price", "says"),
    [
        ("9.99", ""),
        ("0.0000001", "2 decimals"),
        ("0.00000000001", "2 decimals"),
        ("1E1", "no exponent"),
        ("1e-7", "no exponent"),
        ("1" * 41, "40 digits"),
        ("1." + "1" * 41, "40 digits"),
        ('"1e1"', "no exponent"),
        ('"+5"', "such as 999.99"),
        ('"5."', "such as 999.99"),
        ('"NaN"', "such as 999.99"),
        ('""', "such as 999.99"),
    ],
)
async def test_an_amount_is_read_as_it_was_written(world: World, price: str, says: str) -> None:
    fields = f'"name": "x", "description": "", "price": {price}'
    body = f'{{"query": {json.dumps(CREATE)}, "variables": {{"i": {{{fields}}}}}}}'
    answer = (await world.post(body.encode(), signed_in=True)).json()
    if says:
        assert says in answer["errors"][0]["message"]
        assert ("exponent" in answer["errors"][0]["message"]) is (says == "no exponent")
    else:
        assert "errors" not in answer


async def test_amounts_stay_exact_and_have_no_exponent(world: World) -> None:
    for price, passes in (("10.00", True), ("1234567890.01", True), ("1e1", False)):
        body = f'{{"query": {json.dumps(CREATE)}, "variables": {{"i": {{"name": "x", "description": "", "price": {price}}}}}}}'
        answer = (await world.post(body.encode(), signed_in=True)).json()
        assert ("errors" not in answer) is passes, price


def test_numbers_are_converted_by_type() -> None:
    kinds: dict[str, Any] = {
        "int": GraphQLInt,
        "ints": GraphQLNonNull(GraphQLList(GraphQLList(GraphQLInt))),
        "id": GraphQLID,
        "float": GraphQLFloat,
        "text": GraphQLString,
        "flag": GraphQLBoolean,
        "one": GraphQLList(GraphQLNonNull(GraphQLInt)),
    }
    given = {name: Number("2.0") for name in kinds} | {
        "ints": [[Number("3e0"), 4], [Number("1.5")]],
        "more": Number("2.0"),
    }
    assert convert_numbers(given, kinds) == {
        "int": 2,
        "ints": [[3, 4], [Decimal("1.5")]],
        "id": 2,
        "float": 2.0,
        "text": Decimal("2.0"),
        "flag": Decimal("2.0"),
        "one": 2,
        "more": Decimal("2.0"),
    }
    assert [type(value) for value in convert_numbers(given, kinds).values()].count(Number) == 3
