"""A gateway with the limits and origins that the tests of its edges have."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from gateway.tests.world import World, opened

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
