"""Popular GraphQL clients work as their documentation says: a query, an error, a mutation, and a subscription if supported."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.programs import run_program
from tests.e2e.responses import SECONDS
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

RUNFILES = Path(os.environ["RUNFILES_DIR"])
# The HTTP methods of the requests for a query, in order.
NPM = {
    "apollo persisted by GET": ["GET", "POST"],
    "apollo persisted by POST": ["POST", "POST"],
    "urql": ["GET"],
    "relay": ["POST"],
    "graphql-request": ["POST"],
    "graphql-ws": [],
    "graphql-sse": ["POST"],
}


async def settings(stack: StackUnderTest) -> str:
    """The arguments of a client as JSON: addresses, a token, and a product that no other test buys."""
    async with stack.shop() as shop:
        person, admin = await shop.register(), await shop.admin()
        product = await admin.create_product(name="Walnut bowl", stock=10)
    return json.dumps(
        {
            "url": f"{stack.gateway}/graphql",
            "socket": f"{stack.gateway.replace('http', 'ws', 1)}/graphql",
            "token": person.token,
            "product": product,
        }
    )


def check(result: Mapping[str, Any], *, subscribes: bool) -> None:
    assert result["query"] == "Walnut bowl"
    assert result["error"] == ["BAD_USER_INPUT"]
    assert result["mutation"].startswith("ord_")
    if subscribes:
        assert result["subscription"][-1] == "CONFIRMED"


@pytest.mark.parametrize(("client", "methods"), NPM.items(), ids=list(NPM))
async def test_an_npm_client_works_unchanged(
    stack: StackUnderTest, client: str, methods: Sequence[str]
) -> None:
    bundle = RUNFILES / "npm" / "clients" / "clients.mjs"
    output = await run_program("node", bundle, client, await settings(stack), seconds=3 * SECONDS)

    result = json.loads(output)
    check(result, subscribes=client != "graphql-request")
    assert [request["method"] for request in result["requests"]][: len(methods)] == methods


async def test_pythons_gql_works_unchanged(stack: StackUnderTest) -> None:
    program = Path(__file__).with_name("gql_client.py")
    environment = {"PYTHONPATH": str(RUNFILES / "clients" / "site")}
    output = await run_program(
        sys.executable, program, await settings(stack), seconds=3 * SECONDS, environment=environment
    )

    check(json.loads(output), subscribes=True)
