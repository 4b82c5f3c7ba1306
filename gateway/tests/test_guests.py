"""Guests: what is sent to the service, and what is shown of its answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.tests.world import World, opened


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


async def test_a_guest_starts_without_a_token(world: World) -> None:
    document = "mutation { startGuest { account { name email guest } accessToken refreshToken deviceToken } }"
    response = await world.ask(document, signed_in=False)
    assert response["data"]["startGuest"] == {
        "account": {"name": "", "email": "", "guest": True},
        "accessToken": "a",
        "refreshToken": "r",
        "deviceToken": None,
    }


async def test_an_account_is_no_guest(world: World) -> None:
    response = await world.ask("{ me { guest } }")
    assert response["data"] == {"me": {"guest": False}}


async def test_a_link_opens_a_session_of_its_guest(world: World) -> None:
    document = 'mutation { openOrderLink(token: "t") { account { guest } accessToken } }'
    response = await world.ask(document, signed_in=False)
    assert response["data"]["openOrderLink"] == {"account": {"guest": True}, "accessToken": "a"}
    assert world.recorder.last("OpenOrderLink")[0].token == "t"


async def test_a_requested_link_is_always_true(world: World) -> None:
    document = 'mutation { requestOrderLink(number: "1042", email: "a@b.test") }'
    response = await world.ask(document, signed_in=False)
    assert response["data"] == {"requestOrderLink": True}
    request, _ = world.recorder.last("RequestOrderLink")
    assert (request.number, request.email) == ("1042", "a@b.test")


async def test_a_registration_forwards_the_token_of_a_guest(world: World) -> None:
    document = 'mutation { register(input: {name: "J", email: "a@b.test", password: "p", guestToken: "g"}) { accessToken } }'
    await world.ask(document, signed_in=False)
    assert world.recorder.last("Register")[0].guest_token == "g"


async def test_a_guest_deletes_itself_without_a_password(world: World) -> None:
    response = await world.ask("mutation { deleteAccount }")
    assert response["data"] == {"deleteAccount": True}
    assert world.recorder.last("DeleteAccount")[0].password == ""
