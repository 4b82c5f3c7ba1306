"""Every value has a limit that is checked first; a rejection names the field and the rule."""

import json
import logging
import time
from typing import Any

import pytest

from gateway.tests.listening import listening
from gateway.tests.operations import CREATE, SEARCH
from gateway.tests.world import World, forget, world
from kit.graphql.tests.sockets import signed_in

__all__ = ["forget", "world"]


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


async def test_half_a_surrogate_pair_fails_its_operation_and_not_the_socket() -> None:
    async with listening() as world, signed_in(world.app(), world.token()) as socket:
        payload = '{"query": "{ __typename }", "variables": {"q": "\\ud83d"}}'
        socket.send_text('{"type": "subscribe", "id": "1", "payload": ' + payload + "}")
        message = await socket.receive()
        assert message["payload"][0]["extensions"]["reason"] == "LONE_SURROGATE"
        socket.send(type="ping")
        assert await socket.receive() == {"type": "pong"}


async def test_an_empty_operation_name_is_none(world: World) -> None:
    for query, name in (("{ __typename }", ""), ("query A { __typename }", ""), ("{ __typename }", None)):
        posted = await world.post({"query": query, "operationName": name})
        assert posted.json()["data"] == {"__typename": "Query"}
        got = await world.http.get("/graphql", params={"query": query, "operationName": name or ""})
        assert got.json()["data"] == {"__typename": "Query"}
    named = await world.post({"query": "query A { __typename } query B { __typename }", "operationName": ""})
    assert "operationName" in named.json()["errors"][0]["message"]


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
