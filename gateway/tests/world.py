"""The gateway over HTTP with fake services behind it: shared by the tests of the endpoint."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from gateway.app import graphql_server
from gateway.development import page_routes
from gateway.order_updates import OrderUpdates
from gateway.peers import Peers
from gateway.settings import Settings
from gateway.tests.fakes.peers import SERVICES, standing_in
from gateway.tests.fakes.recorder import Recorder
from kit.auth import Principal, Role
from kit.cache import Cache
from kit.graphql import AllowList, GraphQLServer, options_from_settings
from kit.graphql.rate_limits import RedisClient
from kit.settings import load
from kit.testing.principals import FakeTokenVerifier, admin
from kit.web.app import build_app
from kit.web.health import Readiness

USER = Principal(uuid4(), Role.USER, uuid4())
# The discard port: no server listens there.
NOWHERE = "redis://127.0.0.1:9/0"


class NoRedis:
    """Redis, when it is unavailable."""

    async def execute(self, *command: str | bytes | int) -> Any:
        raise ConnectionRefusedError("there is no Redis")

    def close(self) -> None:
        pass


def make_server(
    settings: Settings,
    peers: Peers,
    tokens: FakeTokenVerifier,
    *,
    updates: OrderUpdates | None = None,
    redis: RedisClient | None = None,
    redis_url: str = NOWHERE,
    **options: Any,
) -> GraphQLServer:
    """The production server with fakes; `options` replace those of the settings."""
    return graphql_server(
        replace(options_from_settings(settings), suggestions=False, **options),
        peers,
        updates or OrderUpdates(),
        tokens,
        redis or NoRedis(),
        Cache(redis_url, "gateway:document"),
    )


@dataclass
class World:
    """A client of the gateway, and the calls that its services received."""

    http: httpx.AsyncClient
    recorder: Recorder
    token: str
    app: Any
    admin_token: str

    async def ask(
        self, query: str, *, signed_in: bool = True, by_admin: bool = False, **variables: Any
    ) -> dict[str, Any]:
        """Data and errors of the response."""
        headers = {"authorization": f"Bearer {self.admin_token}"} if by_admin else {}
        signed_in = signed_in and not by_admin
        response = await self.post({"query": query, "variables": variables}, signed_in=signed_in, **headers)
        assert response.status_code == 200, response.text
        body: dict[str, Any] = response.json()
        assert body.pop("extensions")["cost"]["cost"] > 0
        return body

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
    line: RedisClient | None = None,
    redis_url: str = NOWHERE,
    allowed: AllowList | None = None,
    introspection: bool = False,
    environment: Mapping[str, str] | None = None,
    **more: str,
) -> AsyncIterator[World]:
    """A world with its own settings; the playground's files are in the folder."""
    recorder, tokens = Recorder(), FakeTokenVerifier()
    async with standing_in([make(recorder) for make in SERVICES], tokens) as peers:
        chosen = {"PROFILE": "development", "PLAYGROUND_FILES": str(folder), **(environment or {}), **more}
        settings = load(Settings, chosen)
        server = make_server(
            settings,
            peers,
            tokens,
            redis=line,
            redis_url=redis_url,
            introspection=introspection,
            allowed_documents=allowed,
        )
        (folder / "index.html").write_text("<title>playground</title>")
        app: Any = build_app(page_routes(settings), Readiness([]), raw_asgi_routes=server.http)
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://souk.test") as http:
            yield World(http, recorder, tokens.token(USER).token, app, tokens.token(admin()).token)
        for resource in server.resources:
            await resource.close()


@pytest.fixture(scope="session")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A world that the tests of a module share."""
    async with opened(tmp_path_factory.mktemp("playground")) as world:
        yield world


@pytest.fixture(autouse=True)
def forget(world: World) -> None:
    """Clears what the test before recorded; a module that imports it need not name it."""
    world.recorder.calls.clear()
    world.recorder.raises.clear()
