"""A server of the library's API, and a client over HTTP."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx

from kit.auth import Principal, Role
from kit.cache import Cache
from kit.graphql import GraphQLServer
from kit.graphql.rate_limits import RedisClient
from kit.graphql.tests.library import Library, make_api
from kit.graphql.tests.options import with_options
from kit.testing.principals import FakeTokenVerifier
from kit.web.app import build_app
from kit.web.health import Readiness

USER = Principal(uuid4(), Role.USER, uuid4())
OTHER = Principal(uuid4(), Role.USER, uuid4())
GUEST = Principal(uuid4(), Role.USER, uuid4(), guest=True)
OTHER_GUEST = Principal(uuid4(), Role.USER, uuid4(), guest=True)
# The discard port: no server listens there.
NOWHERE = "redis://127.0.0.1:9/0"


class NoRedis:
    """Redis, when it is unavailable."""

    async def execute(self, *command: str | bytes | int) -> Any:
        raise ConnectionRefusedError("there is no Redis")

    def close(self) -> None:
        pass


@dataclass
class Servers:
    """Servers of one library, whose loan is USER's."""

    library: Library = field(default_factory=lambda: Library(borrower=USER))
    tokens: FakeTokenVerifier = field(default_factory=FakeTokenVerifier)
    servers: list[GraphQLServer] = field(default_factory=list)

    def app(self, *, redis: RedisClient | None = None, redis_url: str = NOWHERE, **options: Any) -> Any:
        """The application of another server with options of its own."""
        server = GraphQLServer(
            make_api(self.library),
            with_options(**options),
            self.tokens,
            redis or NoRedis(),
            Cache(redis_url, "library:document"),
        )
        self.servers.append(server)
        return build_app(server.routes, Readiness([]), raw_asgi_routes=server.http)

    def token(self, principal: Principal = USER) -> str:
        return self.tokens.token(principal).token

    def shut_down(self) -> None:
        for server in self.servers:
            server.close_connections()

    async def close(self) -> None:
        for server in self.servers:
            for resource in server.resources:
                await resource.close()


@dataclass
class World:
    """A client of one server over HTTP."""

    http: httpx.AsyncClient
    library: Library
    token: str
    app: Any
    servers: Servers

    async def post(self, body: Any, *, signed_in: bool = False, **headers: str) -> httpx.Response:
        if signed_in:
            headers["authorization"] = f"Bearer {self.token}"
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return await self.http.post(
            "/graphql", content=content, headers={"content-type": "application/json", **headers}
        )


@asynccontextmanager
async def opened(**options: Any) -> AsyncIterator[World]:
    """A client of a server with these options."""
    servers = Servers()
    app = servers.app(**options)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://library.test") as http:
        yield World(http, servers.library, servers.token(), app, servers)
    await servers.close()
