"""Shared by the tests of invalid input. Every error is also checked for internals: stack traces, SQL, hosts and paths."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from tests.e2e.responses import Response
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["BAD", "INTERNALS", "World", "assert_rejected", "stack", "world"]

INTERNALS = re.compile(r"Traceback|File \"|asyncpg|SELECT |INSERT |127\.0\.0\.1|\.py\b|grpc", re.IGNORECASE)
BAD = "BAD_USER_INPUT"


@dataclass(frozen=True)
class World:
    """Accounts and a product for the tests."""

    shop: Shop
    admin: Person
    buyer: Person
    product: str


@pytest.fixture(scope="session")
async def world(stack: StackUnderTest) -> AsyncIterator[World]:
    async with stack.shop() as shop:
        admin = await shop.admin()
        yield World(shop, admin, await shop.register(), await admin.create_product(stock=5))


def assert_rejected(response: Response, code: str, *fields: str) -> None:
    """The response has this error and these fields, and reveals no internals."""
    assert response.codes == [code], response.errors
    assert response.fields == list(fields)
    assert not INTERNALS.search(str(response.errors)), response.errors
