"""What surrounds GraphQL over HTTP: costs and rates as clients see them, CORS, headers."""

import json
from pathlib import Path

import pytest

from gateway.tests.edges import LOGIN, ME, SHOP, code, world
from gateway.tests.world import World, opened
from kit.cache import PipelinedRedis
from kit.graphql.execution import Executor
from kit.testing import Redis
from kit.testing.fixtures import redis

__all__ = ["redis", "world"]


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


async def test_the_playgrounds_files_have_security_headers(world: World) -> None:
    page = await world.http.get("/playground")
    assert "script-src" not in page.headers["content-security-policy"]
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
