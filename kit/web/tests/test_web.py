"""Rules of the HTTP edge."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
from litestar import get, post
from litestar.params import JSONBody

from kit.errors import InvalidArgument, NotFound, Unavailable, Violation
from kit.telemetry import correlation_id, current_trace
from kit.web import Readiness, build_app
from kit.web.health import Phase


class Part:
    def __init__(self, name: str) -> None:
        self.name = name
        self.error: Exception | None = None

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def ping(self) -> None:
        if self.error:
            raise self.error


@get("/absent")
async def absent() -> None:
    raise NotFound("no such thing", reason="THING_NOT_FOUND")


@get("/wrong")
async def wrong() -> None:
    raise InvalidArgument("wrong", fields=[Violation(("a", 0), "is wrong")])


@get("/broken")
async def broken() -> None:
    raise RuntimeError("postgresql://souk:secret@db")


@get("/whoami", sync_to_thread=False)
def whoami() -> str:
    return correlation_id.get()


@get("/traced", sync_to_thread=False)
def traced() -> str:
    here = current_trace()
    assert here is not None
    return f"{here.trace_id:032x} {here.sampled}"


@post("/things/{thing:int}")
async def things(data: JSONBody[dict[str, Any]]) -> dict[str, Any]:
    return data


@pytest.fixture
def database() -> Part:
    return Part("database")


@pytest.fixture
def cache() -> Part:
    return Part("cache")


@pytest.fixture
def readiness(database: Part, cache: Part) -> Readiness:
    readiness = Readiness([database, cache], optional=[cache])
    readiness.phase = Phase.SERVING
    return readiness


@pytest.fixture
async def client(readiness: Readiness) -> AsyncIterator[httpx.AsyncClient]:
    app: Callable[..., Any] = build_app([absent, wrong, broken, whoami, traced, things], readiness)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_a_live_process_says_so(client: httpx.AsyncClient) -> None:
    assert (await client.get("/livez")).json() == {"status": "alive"}


async def test_it_is_ready_while_what_it_needs_answers(client: httpx.AsyncClient, cache: Part) -> None:
    cache.error = ConnectionError("10.0.0.1")
    answer = await client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": "ok", "cache": "ConnectionError"}}


async def test_it_is_unready_when_a_needed_part_is_down(client: httpx.AsyncClient, database: Part) -> None:
    database.error = Unavailable("down", reason="DATABASE_UNAVAILABLE")
    answer = await client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["database"] == "DATABASE_UNAVAILABLE"


@pytest.mark.parametrize("phase", [Phase.STARTING, Phase.STOPPING])
async def test_it_is_unready_before_and_after_its_service(
    client: httpx.AsyncClient, readiness: Readiness, phase: Phase
) -> None:
    readiness.phase = phase
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, phase.value)


async def test_a_named_error_is_a_problem(client: httpx.AsyncClient) -> None:
    answer = await client.get("/absent")
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.status_code, answer.json()["reason"]) == (404, "THING_NOT_FOUND")


async def test_a_problem_names_the_faulty_fields(client: httpx.AsyncClient) -> None:
    assert (await client.get("/wrong")).json()["fields"] == [{"path": ["a", 0], "message": "is wrong"}]


async def test_an_unexpected_error_says_nothing_but_the_correlation_id(client: httpx.AsyncClient) -> None:
    answer = await client.get("/broken", headers={"x-request-id": "req-9"})
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["correlationId"] == "req-9"


@pytest.mark.parametrize(
    ("method", "path", "content", "status"),
    [("GET", "/nowhere", "", 404), ("PUT", "/whoami", "", 405), ("POST", "/things/1", "{", 400)],
)
async def test_what_the_framework_refuses_is_a_problem_too(
    client: httpx.AsyncClient, method: str, path: str, content: str, status: int
) -> None:
    answer = await client.request(method, path, content=content)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_that_is_too_big_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/things/1", json={"a": "x" * 1024 * 1024})
    assert answer.status_code == 413


async def test_the_clients_request_id_is_used_and_answered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/whoami", headers={"x-request-id": "req-1"})
    assert (answer.text, answer.headers["x-request-id"]) == ("req-1", "req-1")


async def test_a_request_without_an_id_gets_one(client: httpx.AsyncClient) -> None:
    answer = await client.get("/whoami")
    assert answer.headers["x-request-id"] == answer.text != ""


async def test_requests_are_counted_by_route_not_by_path(client: httpx.AsyncClient) -> None:
    await client.post("/things/77", json={})
    await client.get("/x/y/z")
    text = (await client.get("/metrics")).text
    assert 'souk_http_requests_total{method="POST",outcome="201",route="/things/{thing}"}' in text
    assert 'route="unmatched"' in text
    assert "/x/y/z" not in text


async def test_a_client_names_its_trace_and_does_not_have_it_kept(client: httpx.AsyncClient) -> None:
    sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    trace = (await client.get("/traced", headers={"traceparent": sent})).text
    assert trace == "4bf92f3577b34da6a3ce929d0e0e4736 False"
