"""Every value has a limit that is checked first; a rejection names the field and the rule."""

import json
import logging
import time
from collections.abc import AsyncIterator
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
from gateway.tests.world import World, opened
from kit.graphql.parsing import Number, convert_numbers
from kit.graphql.tests.sockets import signed_in
from kit.graphql.tests.streams import requested
from kit.values import PRODUCT

PRODUCT_ID = PRODUCT.format(PRODUCT.new())
SEARCH = "query($f: ProductFilter, $n: Int) { products(filter: $f, first: $n) { nodes { id } } }"
CREATE = "mutation($i: CreateProductInput!) { createProduct(input: $i) { id } }"
PLACE = "mutation($i: CreateOrderInput!) { createOrder(input: $i) { id } }"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with opened(tmp_path_factory.mktemp("playground")) as world:
        yield world


@pytest.fixture(autouse=True)
def forget(world: World) -> None:
    world.recorder.calls.clear()


def nested(levels: int) -> str:
    return "[" * levels + "1" + "]" * levels


async def rejection(world: World, query: str, variables: Any) -> dict[str, Any]:
    [error] = (await world.ask(query, **variables))["errors"]
    assert world.recorder.calls == []
    return {**error["extensions"], "message": error["message"]}


@pytest.mark.parametrize("levels", [17, 100, 900, 2000, 100_000])
@pytest.mark.parametrize("place", ["variables", "extensions", "query"])
async def test_a_deeply_nested_body_is_rejected_and_charged(
    world: World, levels: int, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    value = nested(levels) if place == "query" else f'{{"a": {nested(levels)}}}'
    query = "" if place == "query" else '"query": "query($a: [Int]) { me { id } }", '
    with caplog.at_level(logging.ERROR):
        answer = await world.post(f'{{{query}"{place}": {value}}}'.encode())
    assert answer.json()["extensions"]["cost"]["cost"] >= 1
    if place != "extensions" or levels > 900:
        assert answer.status_code in (200, 400)
        assert answer.json()["errors"][0]["extensions"]["code"] in (
            "BAD_USER_INPUT",
            "BAD_REQUEST",
            "GRAPHQL_VALIDATION_FAILED",
        )
    assert [record for record in caplog.records if record.exc_info] == []
    assert world.recorder.calls == []


@pytest.mark.parametrize(
    ("variables", "path", "rule"),
    [
        ({"f": {"categories": ["x" * 40_000]}}, ["categories", 0], "20,000 characters"),
        ({"f": {"categories": ["ok", "x" * 2001]}}, ["filter", "categories", 1], "2,000 characters"),
        ({"f": {"categories": ["x"] * 1001}}, ["categories"], "1,000 entries"),
        ({"f": {"a": [["x"] * 900] * 12}}, None, "10,000 values"),
        ({"f": {"n" * 201: 1}}, ["f"], "200 characters"),
        ({"f": json.loads(nested(40))}, None, "16 levels"),
        ({"unknown": "x" * 20_001}, ["unknown"], "20,000 characters"),
    ],
)
async def test_a_value_beyond_a_limit_names_its_field(
    world: World, variables: Any, path: Any, rule: str
) -> None:
    error = await rejection(world, SEARCH, variables)
    assert error["code"] == "BAD_USER_INPUT"
    [field] = error["fields"]
    assert rule in field["message"]
    assert path is None or field["path"] == path
    assert len(error["message"]) < 500


@pytest.mark.parametrize(
    ("document", "path"),
    [
        (f'{{ product(id: "{"x" * 3000}") {{ id }} }}', ["id"]),
        (f'{{ products(query: "{"x" * 3000}") {{ nodes {{ id }} }} }}', ["query"]),
        (f'{{ products(after: "{"x" * 3000}") {{ nodes {{ id }} }} }}', ["after"]),
        (
            f'mutation {{ createProduct(input: {{name: "{"x" * 3000}", description: "", price: 1}}) {{ id }} }}',
            ["name"],
        ),
        (f'mutation {{ cancelOrder(id: "a", reason: "{"x" * 3000}") {{ id }} }}', ["reason"]),
    ],
)
async def test_literals_are_limited_too(world: World, document: str, path: Any) -> None:
    error = await rejection(world, document, {})
    assert (error["code"], error["fields"][0]["path"]) == ("BAD_USER_INPUT", path)


async def test_the_longest_description_passes(world: World) -> None:
    variables: dict[str, Any] = {"i": {"name": "x", "description": "é" * 20_000, "price": 1}}
    assert "errors" not in await world.ask(CREATE, **variables)


# Each would be corrected by graphql-core, naming what the schema has.
GUESSED = [
    ("mutation { createProduct(input: {nam: 1}) { id } }", {}),
    ("{ products(fist: 1) { nodes { id } } }", {}),
    ("{ product { id } }", {}),
    ("{ produc { id } }", {}),
    ("{ me { ... on Acount { id } } }", {}),
    ("{ products(sort: PRICE_ASK) { nodes { id } } }", {}),
    ("{ me @skp(if: true) { id } }", {}),
    (CREATE, {"i": {"name": "x", "description": "", "price": 1, "stok": 3}}),
    (CREATE, {"i": {"nam": "x"}}),
    ("query($s: ProductSort) { products(sort: $s) { nodes { id } } }", {"s": "PRICE_ASK"}),
    ("query($f: OrderFilter) { orders(filter: $f) { nodes { id } } }", {"f": {"statuses": ["CONFIRMD"]}}),
    ("query($f: OrderFiltr) { orders(filter: $f) { nodes { id } } }", {"f": {}}),
    (PLACE, {"i": {"products": [{"id": PRODUCT_ID, "quantit": 1}]}}),
]


@pytest.mark.parametrize(("query", "variables"), GUESSED)
async def test_no_error_suggests_names(world: World, query: str, variables: Any) -> None:
    answer = await world.post({"query": query, "variables": variables})
    assert answer.json()["errors"]
    assert "Did you mean" not in answer.text


@pytest.mark.parametrize(("query", "variables"), GUESSED)
async def test_no_error_over_sockets_or_streams_suggests_names(query: str, variables: Any) -> None:
    payload = {"query": query, "variables": variables}
    async with listening() as world, signed_in(world.app(), world.token()) as socket:
        socket.send(type="subscribe", id="1", payload=payload)
        message = await socket.receive()
        assert message["type"] in ("error", "next")
        assert "errors" in message["payload"] or message["payload"][0]["message"]
        assert "Did you mean" not in json.dumps(message)
    if variables:
        return
    async with listening() as world, requested(world.app(), query, token=world.token()) as stream:
        await stream.started()
        assert "Did you mean" not in json.dumps(await stream.next())


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


async def test_half_a_surrogate_pair_fails_its_operation_and_not_the_socket() -> None:
    async with listening() as world, signed_in(world.app(), world.token()) as socket:
        payload = '{"query": "{ __typename }", "variables": {"q": "\\ud83d"}}'
        socket.send_text('{"type": "subscribe", "id": "1", "payload": ' + payload + "}")
        message = await socket.receive()
        assert message["payload"][0]["extensions"]["reason"] == "LONE_SURROGATE"
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
    "document",
    [
        f'{{ products(first: "{"x" * 5000}") {{ nodes {{ id }} }} }}',
        f"{{ {'x' * 5000} }}",
        f"{{ products(sort: {'X' * 5000}) {{ nodes {{ id }} }} }}",
        f"{{ me {{ id }} }} {'x' * 5000}",
        f'query({"$x: Int " * 2}) {{ product(id: "1", {"x" * 5000}: 1) {{ id }} }}',
    ],
)
async def test_an_error_does_not_repeat_a_long_text_of_the_document(world: World, document: str) -> None:
    for error in (await world.post({"query": document})).json()["errors"]:
        assert len(error["message"]) <= 500


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


async def test_an_empty_operation_name_is_none(world: World) -> None:
    for query, name in (("{ __typename }", ""), ("query A { __typename }", ""), ("{ __typename }", None)):
        posted = await world.post({"query": query, "operationName": name})
        assert posted.json()["data"] == {"__typename": "Query"}
        got = await world.http.get("/graphql", params={"query": query, "operationName": name or ""})
        assert got.json()["data"] == {"__typename": "Query"}
    named = await world.post({"query": "query A { __typename } query B { __typename }", "operationName": ""})
    assert "operationName" in named.json()["errors"][0]["message"]


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


async def test_the_largest_variables_are_checked_quickly(world: World) -> None:
    for value in (
        "[1," * 300_000 + "1" + "]" * 300_000,
        "[" + "1," * 500_000 + "1]",
        '["' + '","' * 250_000 + '"]',
    ):
        body = f'{{"query": "{{ me {{ id }} }}", "variables": {{"a": {value}}}}}'.encode()
        start = time.thread_time()
        answer = await world.post(body[: 1024 * 1024])
        assert answer.status_code in (200, 400)
        assert time.thread_time() - start < 0.5


@pytest.mark.parametrize(
    "text",
    [
        '{"type": ' + nested(3000) + "}",
        '{"type": "subscribe", "id": "1", "payload": ' + nested(3000) + "}",
        '{"type": "connection_init", "payload": ' + nested(3000) + "}",
    ],
)
async def test_deeply_nested_messages_close_the_socket_without_a_traceback(
    text: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening() as world, signed_in(world.app(), world.token()) as socket:
        socket.send_text(text)
        assert await socket.closed() in (4400, 4429)
    assert [record for record in caplog.records if record.exc_info] == []
