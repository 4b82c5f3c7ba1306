"""Requests with GET and HEAD, and which responses are cacheable."""

import asyncio
import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest

from kit.graphql import AllowList
from kit.graphql.content_negotiation import GRAPHQL_JSON
from kit.graphql.metrics import CONNECTIONS, COST
from kit.graphql.tests.requests import LOGIN, SEARCH, SITE, error, get, world
from kit.graphql.tests.world import Servers, World, opened

__all__ = ["world"]

SUBSCRIBE = 'subscription { loanUpdated(id: "1") { id } }'


async def test_a_query_by_get_is_executed_and_cacheable(world: World) -> None:
    response = await get(world, variables={"n": 2})
    assert response.status_code == 200
    assert response.json()["data"]["titles"]["nodes"]
    assert world.library.calls[-1] == ("titles", {"query": None, "first": 2})
    assert response.headers["cache-control"] == "public, max-age=7"
    assert {name.strip() for name in response.headers["vary"].split(",")} == {
        "Accept",
        "Authorization",
        "Origin",
    }
    # A shared response says nothing about one client.
    assert set(response.json()) == {"data"}
    assert not [name for name in response.headers if name.startswith("ratelimit")]


async def test_a_client_that_has_the_response_gets_304(world: World) -> None:
    etag = (await get(world)).headers["etag"]
    assert (await get(world)).headers["etag"] == etag
    for cached in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await get(world, headers={"if-none-match": cached})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == etag
        assert again.headers["cache-control"] == "public, max-age=7"
        assert "content-type" not in again.headers
    other = await get(world, headers={"if-none-match": etag, "accept": GRAPHQL_JSON})
    assert other.status_code == 200
    assert other.headers["etag"] != etag
    stale = await get(world, "{ titles { totalCount } }", headers={"if-none-match": etag})
    assert stale.status_code == 200


async def test_head_is_get_without_content(world: World) -> None:
    response, head = await get(world), await get(world, method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "cache-control", "content-type", "content-length"):
        assert head.headers[name] == response.headers[name]


@pytest.mark.parametrize("query", ["{ __typename }", SUBSCRIBE, "{", "{ nothing }", "{ me { id } }"])
@pytest.mark.parametrize("accept", ["text/event-stream", "application/json", GRAPHQL_JSON, "text/html"])
async def test_head_of_anything_ends_without_content(query: str, accept: str) -> None:
    servers = Servers()
    transport = httpx.ASGITransport(app=servers.app())
    before = CONNECTIONS._value.get()
    async with httpx.AsyncClient(transport=transport, base_url="http://library.test") as http:
        headers = {"accept": accept, "authorization": f"Bearer {servers.token()}"}
        response = await asyncio.wait_for(http.head("/graphql", params={"query": query}, headers=headers), 5)
    assert response.content == b""
    if accept == "text/event-stream":
        assert (response.status_code, response.headers["content-type"]) == (200, accept)
    assert not servers.library.watchers
    assert CONNECTIONS._value.get() == before
    await servers.close()


async def test_extensions_may_be_null(world: World) -> None:
    query = "{ __typename }"
    for extensions in (None, {"persistedQuery": None}, {"other": None}):
        for response in (
            await world.post({"query": query, "extensions": extensions}),
            await get(world, query, extensions=extensions),
            await get(world, query, extensions=extensions, variables=None),
        ):
            assert response.json()["data"] == {"__typename": "Query"}


Send = Callable[[World], Any]


@pytest.mark.parametrize(
    "send",
    [
        lambda world: get(world, headers={"authorization": f"Bearer {world.token}"}),
        lambda world: get(world, headers={"authorization": "Bearer forged"}),
        lambda world: get(world, "{ unknown }"),
        lambda world: get(world, "{"),
        lambda world: get(world, variables={"n": "two"}),
        lambda world: get(world, '{ title(id: "broken") { id } }'),
        lambda world: get(world, LOGIN),
        lambda world: get(world, "", extensions={"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}),
        lambda world: world.post({"query": SEARCH}),
    ],
)
async def test_no_other_response_is_cacheable(world: World, send: Send) -> None:
    response = await send(world)
    assert response.headers["cache-control"] == "no-store"
    assert "etag" not in response.headers


async def test_caching_can_be_off() -> None:
    async with opened(cache_seconds=0) as world:
        response = await get(world)
        assert response.headers["cache-control"] == "no-store"
        assert "cost" in response.json()["extensions"]


async def test_a_get_costs_as_much_as_a_post() -> None:
    async with opened() as world:
        before = COST._value.get()
        await world.post({"query": "{ titles { nodes { id } } }"})
        posted = COST._value.get() - before
        await get(world, "{ titles { nodes { id } } }")
        assert COST._value.get() - before == 2 * posted


async def test_a_mutation_by_get_is_rejected_and_not_executed(world: World) -> None:
    for method in ("GET", "HEAD"):
        response = await get(world, LOGIN, method=method, headers={"accept": GRAPHQL_JSON})
        assert (response.status_code, response.headers["allow"]) == (405, "POST")
    named = await get(
        world, f"query A {{ me {{ id }} }} {LOGIN.replace('mutation', 'mutation B')}", operationName="B"
    )
    assert (named.status_code, error(named)["reason"]) == (405, "METHOD_NOT_ALLOWED")
    assert world.library.calls == []


async def test_persisted_documents_work_by_get(world: World) -> None:
    digest = sha256(SEARCH.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}
    params = {"extensions": json.dumps(extensions), "variables": '{"n": 1}'}
    unknown = await world.http.get("/graphql", params=params)
    assert error(unknown)["code"] == "PERSISTED_QUERY_NOT_FOUND"
    assert (await get(world, extensions=extensions, variables={"n": 1})).status_code == 200
    known = await world.http.get("/graphql", params=params)
    assert known.json()["data"]["titles"]["nodes"]
    assert world.library.calls[-1] == ("titles", {"query": None, "first": 1})
    assert known.headers["cache-control"] == "public, max-age=7"


async def test_with_an_allow_list_other_documents_are_rejected_by_get() -> None:
    listed = AllowList({sha256(SEARCH.encode()).hexdigest(): SEARCH})
    async with opened(allowed_documents=listed) as world:
        assert (await get(world)).json()["data"]
        assert error(await get(world, "{ me { id } }"))["code"] == "PERSISTED_QUERY_NOT_IN_LIST"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "same-site", "origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": SITE}, 200),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({}, 200),
    ],
)
async def test_a_get_from_another_site_is_rejected(
    world: World, headers: dict[str, str], status: int
) -> None:
    response = await get(world, headers=headers)
    assert response.status_code == status
    assert bool(world.library.calls) is (status == 200)


@pytest.mark.parametrize(
    "query_string",
    [
        "query=%ff",
        "query={me{id}}&query={me{id}}",
        "query={me{id}}&variables=[1]",
        "query={me{id}}&variables={",
        'query={me{id}}&variables={"a":"\\ud83d"}',
        "query={me{id}}&extensions=1",
        "query={me{id}}&variables=" + "[" * 3000,
        "variables={}",
        "",
        "&".join(f"a{n}=1" for n in range(30)),
    ],
)
async def test_a_malformed_url_is_rejected(world: World, query_string: str) -> None:
    response = await world.http.get(f"/graphql?{query_string}")
    assert (response.status_code, error(response)["code"]) == (400, "BAD_REQUEST")


async def test_numbers_in_a_url_are_exact(world: World) -> None:
    assert "errors" not in (await get(world, variables='{"n": 2.0}')).json()
    assert world.library.calls[-1] == ("titles", {"query": None, "first": 2})
