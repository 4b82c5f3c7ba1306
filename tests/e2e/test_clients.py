"""Clients that shops use, as their documentation says: each does a query, an error, a mutation, and a subscription where it can."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ground import Ground, ground
from tests.e2e.shop import SECONDS

__all__ = ["ground"]

RUNFILES = Path(os.environ["RUNFILES_DIR"])
# How each client sends its query: the method of each request, in order.
NPM = {
    "apollo persisted by GET": ["GET", "POST"],
    "apollo persisted by POST": ["POST", "POST"],
    "urql": ["GET"],
    "relay": ["POST"],
    "graphql-request": ["POST"],
    "graphql-ws": [],
    "graphql-sse": ["POST"],
}


async def told(ground: Ground) -> dict[str, str]:
    """What a client needs: the addresses, a token, and a product that nothing else buys."""
    async with ground.shop() as shop:
        person, clerk = await shop.register(), await shop.admin()
        product = await clerk.create_product(name="Walnut bowl", stock=10)
    return {
        "url": f"{ground.gateway}/graphql",
        "socket": f"{ground.gateway.replace('http', 'ws', 1)}/graphql",
        "token": person.token,
        "product": product,
    }


async def result(*command: str, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The JSON that a client's program prints."""
    running = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, **(environment or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    printed, problems = await asyncio.wait_for(running.communicate(), 3 * SECONDS)
    assert running.returncode == 0, problems.decode()
    found: dict[str, Any] = json.loads(printed)
    return found


def check(found: Mapping[str, Any], *, subscribes: bool) -> None:
    assert found["query"] == "Walnut bowl"
    assert found["error"] == ["BAD_USER_INPUT"]
    assert found["mutation"].startswith("ord_")
    if subscribes:
        assert found["subscription"][-1] == "CONFIRMED"


@pytest.mark.parametrize(("client", "methods"), NPM.items(), ids=list(NPM))
async def test_a_client_of_npm_works_as_it_comes(ground: Ground, client: str, methods: Sequence[str]) -> None:
    bundle = RUNFILES / "npm" / "clients" / "clients.mjs"
    found = await result("node", str(bundle), client, json.dumps(await told(ground)))

    check(found, subscribes=client != "graphql-request")
    assert [each["method"] for each in found["requests"]][: len(methods)] == methods


async def test_pythons_gql_works_as_it_comes(ground: Ground) -> None:
    site = str(RUNFILES / "clients" / "site")
    program = str(Path(__file__).with_name("gql_client.py"))
    found = await result(
        sys.executable, program, json.dumps(await told(ground)), environment={"PYTHONPATH": site}
    )

    check(found, subscribes=True)
