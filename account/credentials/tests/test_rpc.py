"""The RPCs of registration and passwords, on an in-process server with real tokens."""

from datetime import timedelta
from typing import Any

import pytest
from souk.account.v1 import account_pb2

from account.tests.edges import PASSWORD, Edge, edge
from kit.errors import AlreadyExists, InvalidArgument, ResourceExhausted, Unauthenticated
from kit.values import ACCOUNT, timestamp_from_proto

__all__ = ["edge"]

NEW_PASSWORD = "AnotherPass456!"


async def test_register_returns_the_account_and_tokens(edge: Edge) -> None:
    response = await edge.register(name=" John Doe ", email="John@Example.com", phone="+41441234567")

    account, tokens, now = response.account, response.tokens, edge.world.clock.now
    assert (account.name, account.email, account.phone) == ("John Doe", "john@example.com", "+41441234567")
    assert (account.role, account.email_verified) == (account_pb2.ROLE_USER, False)
    assert account.id == ACCOUNT.format((await edge.caller(tokens)).account_id)
    assert timestamp_from_proto(tokens.refresh_token_expire_time) == now + timedelta(days=14)
    assert now < timestamp_from_proto(tokens.access_token_expire_time) <= now + timedelta(hours=1)
    assert len(tokens.refresh_token) >= 32


async def test_register_names_every_invalid_field(edge: Edge) -> None:
    with pytest.raises(InvalidArgument) as error:
        await edge.register(name="", email="john@localhost", password="short", phone="7")
    paths = [field.path for field in error.value.fields]
    assert paths == [("name",), ("email",), ("phone",), ("password",)]


async def test_register_rejects_a_taken_address_however_it_is_written(edge: Edge) -> None:
    await edge.register(email="john@example.com")

    with pytest.raises(AlreadyExists) as error:
        await edge.register(email=" JOHN@example.com")
    assert error.value.reason == "EMAIL_TAKEN"


async def test_login_returns_the_account_and_a_session_of_its_own(edge: Edge) -> None:
    registered = await edge.register()

    response = await edge.login(registered.account.email.upper())

    assert response.account == registered.account
    assert response.tokens.refresh_token != registered.tokens.refresh_token
    sessions = [(await edge.caller(tokens)).session_id for tokens in (response.tokens, registered.tokens)]
    assert sessions[0] != sessions[1]


async def test_login_rejects_an_unknown_address_and_a_wrong_password_alike(edge: Edge) -> None:
    email = (await edge.register()).account.email
    errors = []
    for address, password in (("unknown@example.com", PASSWORD), (email, "wrong"), ("", ""), (email, "\0")):
        with pytest.raises(Unauthenticated) as error:
            await edge.login(address, password)
        errors.append((error.value.reason, str(error.value)))

    assert set(errors) == {("BAD_CREDENTIALS", "email or password is wrong")}


async def test_a_throttled_login_says_when_to_retry(edge: Edge) -> None:
    email = (await edge.register()).account.email
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await edge.login(email, "wrong")

    with pytest.raises(ResourceExhausted) as error:
        await edge.login(email)
    assert (error.value.reason, error.value.details["retry_after"]) == ("LOGIN_THROTTLED", 900)


async def test_change_password_revokes_every_session_and_starts_one(edge: Edge) -> None:
    registered = await edge.register()
    other = (await edge.login(registered.account.email)).tokens
    caller = await edge.caller(registered.tokens)

    response = await edge.call(caller, "ChangePassword", current_password=PASSWORD, new_password=NEW_PASSWORD)

    assert await edge.is_revoked(other.access_token)
    assert await edge.is_revoked(caller.token)
    assert not await edge.is_revoked(response.tokens.access_token)
    assert (await edge.login(registered.account.email, NEW_PASSWORD)).account == registered.account
    with pytest.raises(Unauthenticated):
        await edge.login(registered.account.email)


@pytest.mark.parametrize(
    ("fields", "path", "reason"),
    [
        (
            {"current_password": "wrong-password", "new_password": NEW_PASSWORD},
            "currentPassword",
            "WRONG_PASSWORD",
        ),
        ({"current_password": PASSWORD, "new_password": "short"}, "newPassword", "INVALID_ARGUMENT"),
    ],
)
async def test_change_password_names_the_wrong_field(
    edge: Edge, fields: dict[str, Any], path: str, reason: str
) -> None:
    caller, _ = await edge.customer()

    with pytest.raises(InvalidArgument) as error:
        await edge.call(caller, "ChangePassword", **fields)
    assert ([field.path for field in error.value.fields], error.value.reason) == ([(path,)], reason)
    assert not await edge.is_revoked(caller.token)


async def test_guesses_with_a_stolen_access_token_are_limited(edge: Edge) -> None:
    caller, _ = await edge.customer()
    guess = {"current_password": "wrong-password", "new_password": NEW_PASSWORD}
    for _ in range(3):
        with pytest.raises(InvalidArgument):
            await edge.call(caller, "ChangePassword", **guess)

    with pytest.raises(ResourceExhausted):
        await edge.call(caller, "DeleteAccount", password=PASSWORD)
