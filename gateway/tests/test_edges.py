"""What surrounds GraphQL over HTTP: costs and rates as clients see them, documents by hash, CORS, headers, slow clients, attacks."""

import asyncio
import json
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.tests.world import World, opened
from kit.cache import PipelinedRedis
from kit.graphql.execution import Executor
from kit.graphql.persisted import AllowList
from kit.testing import Redis
from kit.testing.fixtures import redis

__all__ = ["redis"]

ME = "{ me { id } }"
DIGEST = sha256(ME.encode()).hexdigest()
LOGIN = 'login(input: {email: "a@b.test", password: "wrong"}) { accessToken }'
SHOP = "https://shop.example"
GRAPHQL_JSON = "application/graphql-response+json"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path, CORS_ORIGINS=SHOP, BODY_SECONDS="0.2") as world:
        yield world


def code(answer: dict[str, Any]) -> str:
    return str(answer["errors"][0]["extensions"]["code"])


def by_hash(digest: str, **more: Any) -> dict[str, Any]:
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}, **more}


async def test_every_response_has_its_cost(world: World) -> None:
    for body, cost in ((ME, 1), ("{ products { nodes { id } } }", 26), ("{ me {", 1), ("{ unknown }", 1)):
        response = await world.post({"query": body})
        said = response.json()["extensions"]["cost"]
        assert set(said) == {"cost", "limit", "remaining", "reset"}
        assert said["cost"] == cost
        assert response.headers["ratelimit-limit"] == str(said["limit"])
        assert response.headers["ratelimit-remaining"] == str(said["remaining"])
        assert response.headers["ratelimit-reset"] == str(said["reset"])
    assert (await world.post(b"[]")).json()["extensions"]["cost"]["cost"] == 1


async def test_a_document_that_costs_too_much_is_not_executed(world: World) -> None:
    document = (
        "query($n: Int) { orders(first: $n) { nodes { account { orders(first: $n) { nodes { id } } } } } }"
    )
    answer = (await world.post({"query": document, "variables": {"n": 100}}, signed_in=True)).json()
    assert code(answer) == "QUERY_TOO_COMPLEX"
    extensions = answer["errors"][0]["extensions"]
    assert extensions["cost"] > extensions["limit"] == 5000
    assert world.recorder.calls == []
    fine = (await world.post({"query": document, "variables": {"n": 5}}, signed_in=True)).json()
    assert "errors" not in fine


async def test_a_rate_limited_client_learns_when_to_retry(tmp_path: Path, redis: Redis) -> None:
    few = {"RATE_LIMIT_POINTS": "3", "RATE_LIMIT_POINTS_PER_SECOND": "0.01", "PROXY_HOPS": "1"}
    async with opened(tmp_path, line=PipelinedRedis(redis.url()), environment=few) as world:
        world.http.headers["x-forwarded-for"] = "203.0.113.1, 198.51.100.7"
        answers = [await world.post({"query": ME}) for _ in range(4)]
        assert [response.status_code for response in answers] == [200, 200, 200, 429]
        assert [response.json()["extensions"]["cost"]["remaining"] for response in answers] == [2, 1, 0, 0]
        rejected = answers[-1]
        assert code(rejected.json()) == "RATE_LIMITED"
        after = rejected.json()["errors"][0]["extensions"]["retryAfter"]
        assert 95 <= after <= 100
        assert rejected.headers["retry-after"] == str(after)
        # An account has a bucket of its own, and so has another address; who sends rubbish spends too.
        assert (await world.post({"query": ME}, signed_in=True)).status_code == 200
        world.http.headers["x-forwarded-for"] = "203.0.113.1, 198.51.100.8"
        rubbish = [(await world.post(b"{")).status_code for _ in range(4)]
        assert rubbish == [400, 400, 400, 429]


async def test_only_the_trusted_proxys_forwarded_address_counts(tmp_path: Path, redis: Redis) -> None:
    few = {"RATE_LIMIT_POINTS": "3", "RATE_LIMIT_POINTS_PER_SECOND": "0.01", "PROXY_HOPS": "1"}
    async with opened(tmp_path, line=PipelinedRedis(redis.url()), environment=few) as world:
        statuses = []
        for invented in range(5):
            lines = [("x-forwarded-for", f"203.0.113.{invented}"), ("x-forwarded-for", "198.51.100.9")]
            answer = await world.http.post(
                "/graphql",
                content=json.dumps({"query": ME}),
                headers=[("content-type", "application/json"), *lines],
            )
            statuses.append(answer.status_code)
        assert statuses == [200, 200, 200, 429, 429]


async def test_an_unexpected_error_is_a_graphql_error_without_details(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(Executor, "plan", broken)
    answer = await world.post({"query": ME})
    assert answer.status_code == 500
    assert code(answer.json()) == "INTERNAL"
    assert "secret" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_every_login_attempt_in_a_document_counts(tmp_path: Path, redis: Redis) -> None:
    few = {"SIGN_IN_TRIES": "5", "SIGN_IN_TRIES_PER_MINUTE": "0.1"}
    async with opened(tmp_path, line=PipelinedRedis(redis.url()), environment=few) as world:
        batch = "mutation {" + " ".join(f"a{n}: {LOGIN}" for n in range(4)) + "}"
        assert (await world.post({"query": batch})).status_code == 200
        rejected = await world.post({"query": batch})
        assert rejected.status_code == 429
        assert rejected.json()["errors"][0]["extensions"]["reason"] == "SIGN_IN_RATE_LIMITED"
        assert world.recorder.names().count("Login") == 4
        assert (await world.post({"query": ME})).status_code == 200


async def test_a_document_is_sent_once_and_then_requested_by_its_hash(tmp_path: Path, redis: Redis) -> None:
    async with opened(tmp_path, redis_url=redis.url()) as world:
        unknown = (await world.post(by_hash(DIGEST))).json()
        assert code(unknown) == "PERSISTED_QUERY_NOT_FOUND"
        assert unknown["errors"][0]["message"] == "PersistedQueryNotFound"
        assert (await world.post(by_hash(DIGEST, query=ME))).json()["data"] == {"me": None}
        assert (await world.post(by_hash(DIGEST))).json()["data"] == {"me": None}
    # Another replica.
    async with opened(tmp_path, redis_url=redis.url()) as world:
        assert (await world.post(by_hash(DIGEST))).json()["data"] == {"me": None}
        wrong = "0" * 64
        assert code((await world.post(by_hash(wrong, query=ME))).json()) == "BAD_REQUEST"
        assert code((await world.post(by_hash(wrong))).json()) == "PERSISTED_QUERY_NOT_FOUND"
        for broken in (1, {}, {"version": 2, "sha256Hash": DIGEST}, {"version": 1, "sha256Hash": 5}):
            body = {"query": ME, "extensions": {"persistedQuery": broken}}
            assert code((await world.post(body)).json()) == "BAD_REQUEST"


async def test_an_invalid_document_is_not_stored(tmp_path: Path, redis: Redis) -> None:
    text = "{ unknown }"
    digest = sha256(text.encode()).hexdigest()
    async with opened(tmp_path, redis_url=redis.url()) as world:
        assert code((await world.post(by_hash(digest, query=text))).json()) == "GRAPHQL_VALIDATION_FAILED"
        assert code((await world.post(by_hash(digest))).json()) == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize(
    "listed",
    [
        {DIGEST: ME},
        {
            "format": "apollo-persisted-query-manifest",
            "version": 1,
            "operations": [{"id": DIGEST, "name": "Me", "type": "query", "body": ME}],
        },
    ],
)
async def test_with_an_allow_list_other_documents_are_rejected(tmp_path: Path, listed: Any) -> None:
    path = tmp_path / "allowed.json"
    path.write_text(json.dumps(listed))
    async with opened(tmp_path, allowed=AllowList.read(path)) as world:
        assert (await world.post(by_hash(DIGEST))).json()["data"] == {"me": None}
        assert (await world.post({"query": ME})).json()["data"] == {"me": None}
        for other in ({"query": "{ me { name } }"}, by_hash("0" * 64), by_hash("0" * 64, query="{ a }")):
            assert code((await world.post(other)).json()) == "PERSISTED_QUERY_NOT_IN_LIST"


async def test_pages_of_allowed_origins_may_send_requests(world: World) -> None:
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "content-type"}
    known = await world.http.options("/graphql", headers={"origin": SHOP, **asks})
    assert known.status_code == 204
    assert known.headers["access-control-allow-origin"] == SHOP
    assert known.headers["access-control-allow-methods"] == "GET, POST"
    assert "authorization" in known.headers["access-control-allow-headers"]
    answered = await world.post({"query": ME}, origin=SHOP)
    assert answered.headers["access-control-allow-origin"] == SHOP
    assert "RateLimit-Remaining" in answered.headers["access-control-expose-headers"]
    assert answered.headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://shop.example.evil.example"])
async def test_pages_of_other_origins_cannot_read_responses(world: World, origin: str) -> None:
    for response in (
        await world.http.options(
            "/graphql", headers={"origin": origin, "access-control-request-method": "POST"}
        ),
        await world.post({"query": ME}, origin=origin),
    ):
        assert not [name for name in response.headers if name.startswith("access-control-allow")]


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
)
async def test_a_form_of_another_site_is_rejected(world: World, content_type: str) -> None:
    body = json.dumps({"query": f"mutation {{ {LOGIN} }}"}).encode()
    response = await world.http.post("/graphql", content=body, headers={"content-type": content_type})
    assert response.status_code == 415
    assert world.recorder.calls == []


async def test_responses_have_security_headers(world: World) -> None:
    for response in (
        await world.post({"query": ME}),
        await world.http.get("/graphql"),
        await world.http.options("/graphql"),
    ):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["cache-control"] == "no-store"
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert response.headers["referrer-policy"] == "no-referrer"
        assert "strict-transport-security" not in response.headers


async def test_outside_development_browsers_must_use_tls(tmp_path: Path) -> None:
    names = "JWKS_URL ACCOUNT_ADDRESS CATALOG_ADDRESS ORDER_ADDRESS PAYMENT_ADDRESS NOTIFICATION_ADDRESS KAFKA_BOOTSTRAP REDIS_URL"
    production = dict.fromkeys(names.split(), "http://127.0.0.1:1")
    async with opened(tmp_path, PROFILE="production", HTTP_PORT="8080", environment=production) as world:
        response = await world.post({"query": ME})
        assert "max-age=63072000" in response.headers["strict-transport-security"]
        assert code((await world.post({"query": "{ __schema { types { name } } }"})).json()) == (
            "GRAPHQL_VALIDATION_FAILED"
        )


async def test_a_slow_body_times_out(world: World) -> None:
    sent: list[Any] = []
    first = [{"type": "http.request", "body": b'{"query":', "more_body": True}]

    async def receive() -> Any:
        if not first:
            await asyncio.Event().wait()
        return first.pop()

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
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"100")],
        "client": ("192.0.2.7", 1234),
        "server": ("souk.test", 80),
        "state": {},
    }
    await asyncio.wait_for(world.app(scope, receive, send), 5)
    assert sent[0]["status"] == 408
    assert json.loads(sent[1]["body"])["errors"][0]["extensions"]["code"] == "BAD_REQUEST"


async def test_the_playgrounds_files_have_security_headers(world: World) -> None:
    page = await world.http.get("/playground")
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"


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
