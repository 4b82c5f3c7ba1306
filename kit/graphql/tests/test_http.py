"""HTTP: GET and caching, media types, and bodies."""

import asyncio
import gzip
import json
import zlib
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import Any

import httpx
import pytest

from kit.graphql import AllowList
from kit.graphql.content_negotiation import EVENTS, GRAPHQL_JSON, JSON, negotiate
from kit.graphql.metrics import CONNECTIONS, COST
from kit.graphql.tests.world import Servers, World, opened

SUBSCRIBE = 'subscription { loanUpdated(id: "1") { id } }'
SITE = "https://site.example"
SEARCH = "query($n: Int) { titles(first: $n) { nodes { name } } }"
LOGIN = 'mutation { login(input: {email: "a@b.test", password: "x"}) { id } }'


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with opened(cors_origins=(SITE,), cache_seconds=7, max_body_bytes=65536, points=10_000) as world:
        yield world


async def get(world: World, query: str = SEARCH, *, method: str = "GET", **more: Any) -> httpx.Response:
    headers = more.pop("headers", {})
    params = {
        "query": query,
        **{name: value if isinstance(value, str) else json.dumps(value) for name, value in more.items()},
    }
    return await world.http.request(method, "/graphql", params=params, headers=headers)


def error(response: httpx.Response) -> dict[str, Any]:
    extensions: dict[str, Any] = response.json()["errors"][0]["extensions"]
    return extensions


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


# Accept headers of common clients, and edge cases.
@pytest.mark.parametrize(
    ("header", "best", "events"),
    [
        (None, JSON, False),
        ("", JSON, False),
        ("*/*", JSON, False),
        ("application/json", JSON, False),
        ("application/graphql-response+json", GRAPHQL_JSON, False),
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL_JSON, False),
        ("application/json, application/graphql-response+json", JSON, False),
        (
            "application/graphql-response+json, application/graphql+json, application/json, text/event-stream, multipart/mixed",
            GRAPHQL_JSON,
            True,
        ),
        ("text/event-stream", EVENTS, True),
        ("text/event-stream;q=0.5, application/json", JSON, True),
        ("text/event-stream, application/json;q=0.9", EVENTS, True),
        ("application/json;q=0.5, text/event-stream;q=0.6", EVENTS, True),
        ("application/json, text/event-stream;q=0", JSON, False),
        ("application/json;q=0, */*", GRAPHQL_JSON, False),
        ("application/json;q=0, application/graphql-response+json;q=0.0, */*;q=0.1", EVENTS, False),
        ("application/*;q=0.2, text/*;q=0.1", JSON, True),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON, False),
        ("APPLICATION/JSON ; charset=utf-8 ; Q=0.7, text/event-stream ; q=0.3", JSON, True),
        ("application/json;q=1.000, application/graphql-response+json;q=0.001", JSON, False),
        ("text/html", None, False),
        ("*/*;q=0", None, False),
        ("application/json;q=0", None, False),
        ("text/event-stream;q=0, application/json;q=0", None, False),
        ("application/json;q=nan", JSON, False),
        ("application/json;q=", JSON, False),
        (",,;q=1,;;", None, False),
    ],
)
def test_weights_and_order_of_accept_decide(header: str | None, best: str | None, events: bool) -> None:
    accepted = negotiate(header)
    assert (accepted.best, accepted.events) == (best, events)


async def test_the_response_has_the_negotiated_media_type(world: World) -> None:
    for accept, media_type in (
        ("text/event-stream;q=0.5, application/json", JSON),
        ("application/json;q=0.1, application/graphql-response+json;q=0.2", GRAPHQL_JSON),
        ("application/json;q=0.1, text/event-stream", EVENTS),
    ):
        response = await world.post({"query": "{ __typename }"}, accept=accept)
        assert response.headers["content-type"] == media_type
    rejected = await world.post({"query": "{ __typename }"}, accept="application/json;q=0, text/html")
    assert (rejected.status_code, error(rejected)["reason"]) == (406, "NOT_ACCEPTABLE")
    lines = await world.http.get(
        "/graphql",
        params={"query": "{ __typename }"},
        headers=[("accept", "application/json;q=0.1"), ("accept", GRAPHQL_JSON)],
    )
    assert lines.headers["content-type"] == GRAPHQL_JSON


SEARCH_BODY = json.dumps(
    {"query": "query($q: String) { titles(query: $q) { nodes { id } } }", "variables": {"q": "Süßes 🍬"}},
    ensure_ascii=False,
).encode()

TRUNCATED = ("BODY_NOT_COMPRESSED", "truncated")
FOLLOWED = ("BODY_NOT_COMPRESSED", "followed")


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"\xef\xbb\xbf" + SEARCH_BODY, {}),
        (SEARCH_BODY, {"content-type": "application/json; charset=utf-8"}),
        (SEARCH_BODY, {"content-type": 'Application/JSON;charset="UTF-8"'}),
        (gzip.compress(SEARCH_BODY), {"content-encoding": "gzip"}),
        (gzip.compress(b"\xef\xbb\xbf" + SEARCH_BODY), {"content-encoding": "x-gzip"}),
        (zlib.compress(SEARCH_BODY), {"content-encoding": "deflate"}),
        (gzip.compress(SEARCH_BODY[:9]) + gzip.compress(SEARCH_BODY[9:]), {"content-encoding": "gzip"}),
        (gzip.compress(SEARCH_BODY) + gzip.compress(b""), {"content-encoding": "gzip"}),
        (SEARCH_BODY, {"content-encoding": "identity"}),
        (SEARCH_BODY.replace("🍬".encode(), b"\\ud83c\\udf6c"), {}),
    ],
)
async def test_supported_encodings_are_read(world: World, content: bytes, headers: dict[str, str]) -> None:
    response = await world.post(content, signed_in=False, **headers)
    assert "errors" not in response.json()
    assert world.library.calls[-1] == ("titles", {"query": "Süßes 🍬", "first": 20})


@pytest.mark.parametrize(
    ("content", "headers", "status", "reason", "says"),
    [
        (SEARCH_BODY.decode().encode("utf-16"), {}, 415, "CHARSET_NOT_ALLOWED", "UTF-8"),
        (SEARCH_BODY.decode().encode("utf-16-le"), {}, 415, "CHARSET_NOT_ALLOWED", "UTF-8"),
        (SEARCH_BODY.decode().encode("utf-16-be"), {}, 415, "CHARSET_NOT_ALLOWED", "UTF-8"),
        (SEARCH_BODY.decode().encode("utf-32"), {}, 415, "CHARSET_NOT_ALLOWED", "UTF-8"),
        (
            SEARCH_BODY,
            {"content-type": "application/json; charset=utf-16"},
            415,
            "CHARSET_NOT_ALLOWED",
            "utf-16",
        ),
        (
            SEARCH_BODY,
            {"content-type": "application/json; charset=iso-8859-1"},
            415,
            "CHARSET_NOT_ALLOWED",
            "iso-8859-1",
        ),
        (b'{"query": "{ \xfc }"}', {}, 400, "NOT_UTF8", "UTF-8"),
        (b'{"query": "{ \xed\xa0\xbd }"}', {}, 400, "NOT_UTF8", "UTF-8"),
        (b'{"query": "x", "variables": {"q": "\\ud83d"}}', {}, 400, "LONE_SURROGATE", "\\ud83d"),
        (b'{"query": "x", "variables": {"q": "\\ud83d and more"}}', {}, 400, "LONE_SURROGATE", "\\ud83d"),
        (b'{"query": "x", "variables": {"q": "more \\uDE00"}}', {}, 400, "LONE_SURROGATE", "\\uDE00"),
        (b'{"query": "x", "variables": {"\\ud83d\\u0041": 1}}', {}, 400, "LONE_SURROGATE", "half"),
        (b'{"query": "x", "variables": {"q": "\\\\ud83d', {}, 400, "BAD_REQUEST", "truncated"),
        (SEARCH_BODY[:-5], {}, 400, "BAD_REQUEST", "truncated"),
        (b"", {}, 400, "BAD_REQUEST", "JSON"),
        (b"\xef\xbb\xbf", {}, 400, "BAD_REQUEST", "JSON"),
        (SEARCH_BODY, {"content-encoding": "br"}, 415, "CONTENT_ENCODING_NOT_ALLOWED", "gzip"),
        (SEARCH_BODY, {"content-encoding": "gzip, gzip"}, 415, "CONTENT_ENCODING_NOT_ALLOWED", "gzip"),
        (SEARCH_BODY, {"content-encoding": "gzip"}, 400, "BODY_NOT_COMPRESSED", "Content-Encoding"),
        (
            gzip.compress(SEARCH_BODY)[:-9],
            {"content-encoding": "gzip"},
            400,
            "BODY_NOT_COMPRESSED",
            "truncated",
        ),
        (
            gzip.compress(SEARCH_BODY) + b"x",
            {"content-encoding": "gzip"},
            400,
            "BODY_NOT_COMPRESSED",
            "followed",
        ),
        (
            gzip.compress(b" " * 65536 + SEARCH_BODY),
            {"content-encoding": "gzip"},
            413,
            "BODY_TOO_LARGE",
            "65,536",
        ),
        (
            gzip.compress(SEARCH_BODY) + gzip.compress(b"x")[:-9],
            {"content-encoding": "gzip"},
            400,
            *TRUNCATED,
        ),
        (zlib.compress(SEARCH_BODY) + zlib.compress(b""), {"content-encoding": "deflate"}, 400, *FOLLOWED),
        (gzip.compress(SEARCH_BODY) + zlib.compress(b""), {"content-encoding": "gzip"}, 400, *FOLLOWED),
        (gzip.compress(b"") * 3000, {"content-encoding": "gzip"}, 400, *FOLLOWED),
        (gzip.compress(b" " * 40000) * 2, {"content-encoding": "gzip"}, 413, "BODY_TOO_LARGE", "65,536"),
        (zlib.compress(b" " * 50_000_000), {"content-encoding": "deflate"}, 413, "BODY_TOO_LARGE", "65,536"),
        (b"x" * 65_537, {"content-encoding": "gzip"}, 413, "BODY_TOO_LARGE", "65,536"),
    ],
)
async def test_an_unreadable_body_is_rejected_with_its_reason(
    world: World, content: bytes, headers: dict[str, str], status: int, reason: str, says: str
) -> None:
    response = await world.post(content, signed_in=False, **headers)
    assert (response.status_code, error(response)["reason"]) == (status, reason)
    assert error(response)["code"] == "BAD_REQUEST"
    assert says in response.json()["errors"][0]["message"]
    if reason == "CONTENT_ENCODING_NOT_ALLOWED":
        assert response.headers["accept-encoding"] == "gzip, deflate"
    assert world.library.calls == []


async def test_a_truncated_body_is_not_executed_even_if_it_is_a_valid_request(world: World) -> None:
    messages = [{"type": "http.request", "body": SEARCH_BODY, "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"10000")],
        "client": ("192.0.2.7", 1234),
        "server": ("library.test", 80),
        "state": {},
    }
    await world.app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert world.library.calls == []
