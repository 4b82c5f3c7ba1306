"""Attacks over HTTP are rejected briefly, and nothing is executed."""

import asyncio
import json
from pathlib import Path

import pytest

from gateway.tests.edges import GRAPHQL_JSON, LOGIN, ME, code, world
from gateway.tests.world import World, opened
from kit.graphql.tests.raw_posts import post_raw

__all__ = ["world"]


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_a_form_of_another_site_is_rejected(world: World, content_type: str) -> None:
    body = json.dumps({"query": f"mutation {{ {LOGIN} }}"}).encode()
    response = await world.http.post("/graphql", content=body, headers={"content-type": content_type})
    assert response.status_code == 415
    assert world.recorder.calls == []


async def test_a_slow_body_times_out(world: World) -> None:
    first = {"type": "http.request", "body": b'{"query":', "more_body": True}
    sent = await post_raw(world.app, [first], 100)
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


# The classes of attack that graphql-cop tries, each with what it sends.
@pytest.mark.parametrize(
    ("attack", "document"),
    [
        ("alias overloading", "query cop {" + "".join(f"alias{n}:__typename " for n in range(101)) + "}"),
        ("field duplication", "query cop {" + "__typename " * 500 + "}"),
        ("directive overloading", "query cop { __typename " + "@aa" * 10 + " }"),
        (
            "directive overloading with a known one",
            "query cop { __typename " + "@include(if: true) " * 51 + " }",
        ),
        (
            "circular introspection",
            "query cop { __schema { types { fields { type { fields { type { fields { type { fields { type { name "
            "} } } } } } } } } } }",
        ),
        ("introspection", "query cop { __schema { types { name fields { name } } } }"),
        ("field suggestions", "query cop { __schema { directive } }"),
        ("field suggestions", "query cop { produc { id } }"),
        (
            "fragments in a circle",
            "query cop { ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
        ),
        ("unknown fields", "query cop { abc }"),
        ("depth", "query cop { me " + "{ orders { nodes { account " * 20 + "{ id }" + " } } }" * 20 + " }"),
        ("too long", "query cop { __typename " + "#" * 20_001 + "\n }"),
    ],
)
async def test_attacks_of_graphql_cop_are_rejected(world: World, attack: str, document: str) -> None:
    response = await world.post({"query": document}, accept=GRAPHQL_JSON)
    assert response.status_code == 400, attack
    answer = response.json()
    assert "data" not in answer
    assert "Did you mean" not in response.text
    # As many errors as faults would show that each is worked on; nor is there anything of the inside.
    assert len(answer["errors"]) <= 6
    assert "tracing" not in answer["extensions"]
    assert "exception" not in response.text
    assert "stacktrace" not in response.text
    assert world.recorder.calls == []


async def test_batched_requests_are_rejected(world: World) -> None:
    response = await world.post([{"query": "query cop { __typename }"}] * 10)
    assert response.status_code == 400
    assert "data" not in response.text


async def test_a_link_changes_nothing(world: World) -> None:
    for method in ("GET", "HEAD"):
        response = await world.http.request(
            method, "/graphql", params={"query": f"mutation cop {{ {LOGIN} }}"}
        )
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
    assert world.recorder.calls == []


async def test_tracing_cannot_be_requested(world: World) -> None:
    headers = {"content-type": "application/json", "x-apollo-tracing": "1"}
    body = json.dumps({"query": ME, "extensions": {"tracing": True}})
    response = await world.http.post("/graphql", content=body, headers=headers)
    assert set(response.json()["extensions"]) == {"cost"}


async def test_circular_introspection_is_rejected_even_if_introspection_is_on(tmp_path: Path) -> None:
    async with opened(tmp_path, introspection=True) as world:
        circular = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
        assert code((await world.post({"query": circular})).json()) == "GRAPHQL_VALIDATION_FAILED"
        usual = (
            "{ __schema { types { name fields { name type { name ofType { name ofType { name } } } } } } }"
        )
        assert "errors" not in (await world.post({"query": usual})).json()


async def test_nested_fragment_spreads_do_not_block_the_server(world: World) -> None:
    doubling = " ".join(f"fragment f{n} on Account {{ ...f{n + 1} ...f{n + 1} }}" for n in range(100))
    document = "{ me { ...f0 } } " + doubling + " fragment f100 on Account { id }"
    answer = await asyncio.wait_for(world.post({"query": document}), 5)
    assert answer.status_code == 200
