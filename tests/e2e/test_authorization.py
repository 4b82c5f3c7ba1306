"""Runs the access matrix on the stack: every row by an anonymous caller, a guest, another customer, the owner and an ADMIN."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.e2e.authorization import (
    ADDRESS,
    ADMIN,
    ANONYMOUS,
    CALLERS,
    GUEST,
    MATRIX,
    NULL,
    OK,
    OTHER,
    OWNER,
    Row,
)
from tests.e2e.documents import START_GUEST
from tests.e2e.page import save_method
from tests.e2e.responses import SECONDS
from tests.e2e.shop import PASSWORD, Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

MAKE_ADMIN = "mutation($id: ID!) { setAccountRole(accountId: $id, role: ADMIN) { role } }"
CREATE_ADDRESS = f"mutation {{ createAddress(input: {{address: {{{ADDRESS}}}}}) {{ id }} }}"
ADD_TO_CART = "mutation($id: ID!) { addToCart(lines: [{id: $id, quantity: 1}]) { id version total } }"
START_PAYMENT = "mutation($id: ID!) { startPayment(orderId: $id) { id } }"
# Close code of a WebSocket after a connection_init with an invalid token.
CLOSED_UNAUTHENTICATED = 4401


@dataclass
class World:
    """The callers of the matrix, and ids of the owner's objects."""

    shop: Shop
    people: dict[str, Person]
    ids: dict[str, str]

    async def fill(self, document: str) -> str:
        """Replaces the placeholders of a document."""
        for placeholder, create in {
            "<fresh_account>": self._fresh_account,
            "<fresh_address>": self._fresh_address,
            "<fresh_cart>": self._fresh_cart,
            "<fresh_method>": self._fresh_method,
            "<fresh_order>": self._fresh_order,
            "<fresh_page_order>": self._fresh_page_order,
            "<fresh_page_payment>": self._fresh_page_payment,
            "<fresh_payment>": self._fresh_payment,
            "<fresh_product>": self._fresh_product,
            "<email>": self._email,
            "<key>": self._email,
        }.items():
            if placeholder in document:
                document = document.replace(placeholder, await create())
        for name, value in self.ids.items():
            document = document.replace(f"<{name}>", value)
        return document

    async def fresh_caller(self, caller: str) -> Person:
        """A new account for a row that consumes its caller."""
        if caller == GUEST:
            return await new_guest(self.shop)
        person = await self.shop.register()
        if caller == ADMIN:
            assert (await self.people[ADMIN].execute(MAKE_ADMIN, id=person.id)).errors == ()
            # The role is part of the token, so a new one is needed.
            return await self.shop.login(person.email, PASSWORD)
        return person

    async def _fresh_account(self) -> str:
        return (await self.shop.register()).id

    async def _fresh_address(self) -> str:
        response = await self.people[OWNER].execute(CREATE_ADDRESS)
        assert response.data is not None
        return str(response.data["createAddress"]["id"])

    async def _fresh_cart(self) -> str:
        """The owner's cart with one line more, as the input of a checkout."""
        response = await self.people[OWNER].execute(ADD_TO_CART, id=self.ids["product"])
        cart = response.get("addToCart")
        return f'cartId: "{cart["id"]}", version: {cart["version"]}, expectedTotal: "{cart["total"]}"'

    async def _fresh_method(self) -> str:
        """A payment method that the owner saved; the one before it is deleted, since there is a limit."""
        return await save_method(self.people[OWNER])

    async def _fresh_product(self) -> str:
        return await self.people[ADMIN].create_product(price="5.00", stock=10)

    async def _fresh_order(self) -> str:
        return str((await self._paid())["id"])

    async def _fresh_payment(self) -> str:
        return str((await self._paid())["payment"]["id"])

    async def _fresh_page_order(self) -> str:
        """An order whose payment the owner's page confirms."""
        return str((await self.people[OWNER].buy(self.ids["product"], confirmation="CLIENT"))["id"])

    async def _fresh_page_payment(self) -> str:
        started = await self.people[OWNER].execute(START_PAYMENT, id=await self._fresh_page_order())
        return str(started.get("startPayment")["id"])

    async def _paid(self) -> Any:
        order = await self.people[OWNER].buy(self.ids["product"])
        return await self.people[OWNER].wait_for_status(order["id"], "CONFIRMED")

    async def _email(self) -> str:
        return f"{secrets.token_hex(8)}@example.com"


async def new_guest(shop: Shop) -> Person:
    payload = (await shop.execute(START_GUEST)).get("startGuest")
    return Person(shop, payload["account"]["id"], "", payload["accessToken"])


@pytest.fixture(scope="session")
async def world(stack: StackUnderTest) -> AsyncIterator[World]:
    async with stack.shop() as shop:
        admin, owner, other = await shop.admin(), await shop.register(), await shop.register()
        product = await admin.create_product(price="5.00", stock=100_000)
        ids = {"account": owner.id, "product": product, "variant": product.replace("prod_", "var_")}
        world = World(shop, {ADMIN: admin, OWNER: owner, OTHER: other, GUEST: await new_guest(shop)}, ids)
        paid = await world._paid()
        ids["address"] = await world._fresh_address()
        ids |= {"order": paid["id"], "payment": paid["payment"]["id"]}
        ids["shipped"] = await world._fresh_order()
        await admin.update_status(ids["shipped"], "SHIPPED", internalNote="fragile")
        yield world


def value_at(data: Any, path: str) -> Any:
    for step in path.split("."):
        if data is None:
            return None
        data = data[int(step)] if step.isdigit() else data[step]
    return data


async def outcome_of_request(world: World, row: Row, document: str, person: Person | None) -> str:
    response = await world.shop.execute(document, person.token if person else "")
    if response.errors:
        assert "INTERNAL" not in response.codes, response.errors
        return response.codes[0]
    assert response.data is not None
    return NULL if value_at(response.data, row.path or next(iter(response.data))) is None else OK


async def outcome_of_subscription(world: World, document: str, person: Person | None) -> str:
    url = f"{world.shop.gateway.replace('http', 'ws', 1)}/graphql"
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, protocols=("graphql-transport-ws",)) as socket,
    ):
        payload = {"Authorization": f"Bearer {person.token}"} if person else {}
        await socket.send_json({"type": "connection_init", "payload": payload})
        first = await socket.receive(timeout=SECONDS)
        if first.type is aiohttp.WSMsgType.CLOSE:
            assert first.data == CLOSED_UNAUTHENTICATED
            return "UNAUTHENTICATED"
        await socket.send_json({"type": "subscribe", "id": "1", "payload": {"query": document}})
        message = await socket.receive_json(timeout=SECONDS)
        if message["type"] == "next" and not message["payload"].get("errors"):
            return OK
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        return str(errors[0]["extensions"]["code"])


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("field", MATRIX)
async def test_access(world: World, field: str, caller: str) -> None:
    row = MATRIX[field]
    document = await world.fill(row.document)
    person = None if caller == ANONYMOUS else world.people[caller]
    if row.consumes_caller and person is not None:
        person = await world.fresh_caller(caller)
    if field.startswith("Subscription."):
        outcome = await outcome_of_subscription(world, document, person)
    else:
        outcome = await outcome_of_request(world, row, document, person)
    assert outcome == row.expected(caller)
