"""An error names nothing of the schema that the client did not, and is brief."""

import json
from typing import Any

import pytest

from gateway.tests.listening import listening
from gateway.tests.operations import CREATE, PLACE, PRODUCT_ID
from gateway.tests.world import World, forget, world
from kit.graphql.tests.sockets import signed_in
from kit.graphql.tests.streams import requested

__all__ = ["forget", "world"]

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
