"""The gateway with services as their contracts say behind it, asked over HTTP: what tests of the endpoint share."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from gateway.admission import Admission
from gateway.context import Context
from gateway.development import development_routes
from gateway.execution import Executor
from gateway.limits import Limits
from gateway.listeners import Listeners
from gateway.order_updates import OrderUpdates
from gateway.persisted import AllowList, Persisted
from gateway.playground import playground_routes
from gateway.rates import Line, Rates
from gateway.schema import build_schema
from gateway.settings import Settings
from gateway.tests.fakes import SERVICES, Recorder, standing_in
from gateway.web import PATH, GraphQL
from kit.auth import Principal, Role
from kit.cache import Cache
from kit.settings import load
from kit.testing.principals import FakeTokenVerifier
from kit.web.app import build_app
from kit.web.health import Readiness

USER = Principal(uuid4(), Role.USER, uuid4())
# Nobody listens there: the port is that of discard.
NOWHERE = "redis://127.0.0.1:9/0"


class Away:
    """Redis, when there is none."""

    async def ask(self, *words: str | bytes | int) -> Any:
        raise ConnectionRefusedError("there is no Redis")

    def close(self) -> None:
        pass


@dataclass
class World:
    """A client of the gateway, and what its services heard."""

    http: httpx.AsyncClient
    recorder: Recorder
    token: str
    app: Any

    async def ask(self, query: str, *, signed_in: bool = True, **variables: Any) -> dict[str, Any]:
        """Answers data and errors; what it cost is another test's business."""
        response = await self.post({"query": query, "variables": variables}, signed_in=signed_in)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        assert answer.pop("extensions")["cost"]["cost"] > 0
        return answer

    async def post(self, body: Any, *, signed_in: bool = False, **headers: str) -> httpx.Response:
        if signed_in:
            headers["authorization"] = f"Bearer {self.token}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post(
            "/graphql", content=content, headers={"content-type": "application/json", **headers}
        )


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    line: Line | None = None,
    redis_url: str = NOWHERE,
    allowed: AllowList | None = None,
    introspection: bool = False,
    environment: Mapping[str, str] | None = None,
    **more: str,
) -> AsyncIterator[World]:
    """A world with settings of its own; the playground's files are in the folder."""
    recorder, tokens = Recorder(), FakeTokenVerifier()
    async with standing_in([make(recorder) for make in SERVICES], tokens) as peers:
        chosen = {"PROFILE": "development", "PLAYGROUND_FILES": str(folder), **(environment or {}), **more}
        settings = load(Settings, chosen)
        executor = Executor(
            build_schema(), Limits.of(settings), introspection=introspection, suggestions=False
        )
        verifier: Any = tokens
        cache = Cache(redis_url, "gateway:document")
        rates = Rates(line or Away(), settings)
        graphql = GraphQL(
            settings,
            executor,
            lambda who: Context(peers, who, OrderUpdates()),
            verifier,
            rates,
            Admission(executor, rates, Persisted(cache, allowed)),
            Listeners(settings.max_account_listeners, verifier),
        )
        (folder / "index.html").write_text("<title>playground</title>")
        routes = [*playground_routes(settings), *development_routes(settings)]
        app: Any = build_app(routes, Readiness([]), raw_asgi_routes={PATH: graphql})
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://souk.test") as http:
            yield World(http, recorder, tokens.token(USER).token, app)
        await rates.close()
        await cache.close()
