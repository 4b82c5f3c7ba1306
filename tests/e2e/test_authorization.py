"""The matrix of who may do what, asked of the running stack: every row by nobody, somebody else, the owner and an ADMIN."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.e2e.authorization import ADMIN, ANYBODY, CALLERS, MATRIX, NULL, OK, OTHER, OWNER, Row
from tests.e2e.ground import Ground, ground
from tests.e2e.shop import PASSWORD, SECONDS, Person, Shop

__all__ = ["ground"]

MAKE_ADMIN = "mutation($id: ID!) { setAccountRole(accountId: $id, role: ADMIN) { role } }"
# What an invalid token of connection_init closes a socket with.
CLOSED_LOGGED_OUT = 4401


@dataclass
class World:
    """Everybody of the matrix, and what belongs to the owner."""

    shop: Shop
    people: dict[str, Person]
    names: dict[str, str]

    async def fill(self, document: str) -> str:
        """The document with the names of things in it."""
        for name, make in {
            "<fresh_account>": self._fresh_account,
            "<fresh_order>": self._fresh_order,
            "<fresh_payment>": self._fresh_payment,
            "<fresh_product>": self._fresh_product,
            "<email>": self._email,
            "<key>": self._email,
        }.items():
            if name in document:
                document = document.replace(name, await make())
        for name, value in self.names.items():
            document = document.replace(f"<{name}>", value)
        return document

    async def alone(self, caller: str) -> Person:
        """Somebody new, who may be used up."""
        person = await self.shop.register()
        if caller == ADMIN:
            assert (await self.people[ADMIN].ask(MAKE_ADMIN, id=person.id)).errors == ()
            # The role is in the token: a new one.
            return await self.shop.login(person.email, PASSWORD)
        return person

    async def _fresh_account(self) -> str:
        return (await self.shop.register()).id

    async def _fresh_product(self) -> str:
        return await self.people[ADMIN].create_product(price="5.00", stock=10)

    async def _fresh_order(self) -> str:
        return str((await self._paid())["id"])

    async def _fresh_payment(self) -> str:
        return str((await self._paid())["payment"]["id"])

    async def _paid(self) -> Any:
        order = await self.people[OWNER].buy(self.names["product"])
        return await self.people[OWNER].sees(order["id"], "CONFIRMED")

    async def _email(self) -> str:
        return f"{secrets.token_hex(8)}@example.com"


@pytest.fixture(scope="session")
async def world(ground: Ground) -> AsyncIterator[World]:
    async with ground.shop() as shop:
        admin, owner, other = await shop.admin(), await shop.register(), await shop.register()
        product = await admin.create_product(price="5.00", stock=100_000)
        names = {"account": owner.id, "product": product}
        world = World(shop, {ADMIN: admin, OWNER: owner, OTHER: other}, names)
        paid = await world._paid()
        names |= {"order": paid["id"], "payment": paid["payment"]["id"]}
        names["shipped"] = await world._fresh_order()
        await admin.move(names["shipped"], "SHIPPED", internalNote="fragile")
        yield world


def at(data: Any, path: str) -> Any:
    for step in path.split("."):
        if data is None:
            return None
        data = data[int(step)] if step.isdigit() else data[step]
    return data


async def asked(world: World, row: Row, document: str, person: Person | None) -> str:
    answer = await world.shop.ask(document, person.token if person else "")
    if answer.errors:
        assert "INTERNAL" not in answer.codes, answer.errors
        return answer.codes[0]
    assert answer.data is not None
    return NULL if at(answer.data, row.at or next(iter(answer.data))) is None else OK


async def listened(world: World, document: str, person: Person | None) -> str:
    url = f"{world.shop.gateway.replace('http', 'ws', 1)}/graphql"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("graphql-transport-ws",)) as socket,
    ):
        payload = {"Authorization": f"Bearer {person.token}"} if person else {}
        await socket.send_json({"type": "connection_init", "payload": payload})
        first = await socket.receive(timeout=SECONDS)
        if first.type is aiohttp.WSMsgType.CLOSE:
            assert first.data == CLOSED_LOGGED_OUT
            return "UNAUTHENTICATED"
        await socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": document}})
        message = await socket.receive_json(timeout=SECONDS)
        if message["type"] == "next" and not message["payload"].get("errors"):
            return OK
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        return str(errors[0]["extensions"]["code"])


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("field", MATRIX)
async def test_who_may_do_what(world: World, field: str, caller: str) -> None:
    row = MATRIX[field]
    document = await world.fill(row.document)
    person = None if caller == ANYBODY else world.people[caller]
    if row.alone and person is not None:
        person = await world.alone(caller)
    if field.startswith("Subscription."):
        found = await listened(world, document, person)
    else:
        found = await asked(world, row, document, person)
    assert found == row.expected(caller)
