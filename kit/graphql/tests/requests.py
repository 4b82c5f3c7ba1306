"""Requests over HTTP with GET, and their errors."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from kit.graphql.tests.world import World, opened

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
