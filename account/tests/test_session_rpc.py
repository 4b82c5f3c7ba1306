"""The gRPC edge of sessions, passwords and links, in this process and with real tokens."""

import asyncio
from typing import Any

import pytest
from souk.account.v1 import account_pb2

from account.domain import LinkRequested
from account.tests.edges import PASSWORD, Edge, edge
from kit.auth import Principal
from kit.errors import InvalidArgument, ResourceExhausted, Unauthenticated

__all__ = ["edge"]

NEW_PASSWORD = "AnotherPass456!"


async def ended(edge: Edge, access_token: str) -> bool:
    try:
        await edge.verify(access_token)
    except Unauthenticated:
        return True
    return False


def mailed(edge: Edge) -> str:
    """The token of the last link."""
    [*_, link] = [fact for fact in edge.world.db.events if isinstance(fact, LinkRequested)]
    return link.sealed_token.decode()


async def refreshed(edge: Edge, refresh_token: str) -> account_pb2.Tokens:
    answer = await edge.call(None, "RefreshTokens", refresh_token=refresh_token)
    tokens: account_pb2.Tokens = answer.tokens
    return tokens


async def test_refresh_tokens_answers_another_pair_of_the_session(edge: Edge) -> None:
    registered = await edge.register()

    answer = await edge.call(None, "RefreshTokens", refresh_token=registered.tokens.refresh_token)

    assert answer.account == registered.account
    assert answer.tokens.refresh_token != registered.tokens.refresh_token
    sessions = {(await edge.caller(pair)).session_id for pair in (answer.tokens, registered.tokens)}
    assert len(sessions) == 1


async def test_refresh_tokens_at_once_answers_one_refresh_token(edge: Edge) -> None:
    tokens = (await edge.register()).tokens
    answers = await asyncio.gather(*(refreshed(edge, tokens.refresh_token) for _ in range(6)))
    assert len({answer.refresh_token for answer in answers}) == 1
    assert not await ended(edge, answers[0].access_token)


async def test_refresh_tokens_used_again_later_ends_the_session(edge: Edge) -> None:
    tokens = (await edge.register()).tokens
    newer = await refreshed(edge, tokens.refresh_token)
    edge.world.clock.advance(seconds=11)

    with pytest.raises(Unauthenticated) as refusal:
        await refreshed(edge, tokens.refresh_token)
    assert refusal.value.reason == "TOKEN_INVALID"
    assert await ended(edge, newer.access_token)


@pytest.mark.parametrize("token", ["", "x", "\x00", "\u20ac" * 10_000])
async def test_refresh_tokens_refuses_what_is_no_refresh_token(edge: Edge, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await refreshed(edge, token)


async def test_an_access_token_refreshes_nothing(edge: Edge) -> None:
    with pytest.raises(Unauthenticated):
        await refreshed(edge, (await edge.register()).tokens.access_token)


async def test_logout_ends_the_callers_session_and_no_other(edge: Edge) -> None:
    registered = await edge.register()
    other = (await edge.login(registered.account.email)).tokens

    await edge.call(await edge.caller(registered.tokens), "Logout")

    assert await ended(edge, registered.tokens.access_token)
    assert not await ended(edge, other.access_token)


async def test_logout_ends_the_session_of_a_refresh_token(edge: Edge) -> None:
    tokens = (await edge.register()).tokens

    for _ in range(2):
        await edge.call(None, "Logout", refresh_token=tokens.refresh_token)
    await edge.call(None, "Logout", refresh_token="unknown")

    assert await ended(edge, tokens.access_token)


async def test_logout_without_any_token_is_unauthenticated(edge: Edge) -> None:
    with pytest.raises(Unauthenticated):
        await edge.call(None, "Logout")


async def test_change_password_ends_every_session_and_answers_a_new_one(edge: Edge) -> None:
    registered = await edge.register()
    other = (await edge.login(registered.account.email)).tokens
    caller = await edge.caller(registered.tokens)

    answer = await edge.call(caller, "ChangePassword", current_password=PASSWORD, new_password=NEW_PASSWORD)

    assert await ended(edge, other.access_token)
    assert await ended(edge, caller.token)
    assert not await ended(edge, answer.tokens.access_token)
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
async def test_change_password_names_what_is_wrong(
    edge: Edge, fields: dict[str, Any], path: str, reason: str
) -> None:
    caller, _ = await edge.person()

    with pytest.raises(InvalidArgument) as refusal:
        await edge.call(caller, "ChangePassword", **fields)
    assert ([fault.path for fault in refusal.value.fields], refusal.value.reason) == ([(path,)], reason)
    assert not await ended(edge, caller.token)


async def test_whoever_guesses_with_a_found_token_is_braked(edge: Edge) -> None:
    caller, _ = await edge.person()
    guess = {"current_password": "wrong-password", "new_password": NEW_PASSWORD}
    for _ in range(3):
        with pytest.raises(InvalidArgument):
            await edge.call(caller, "ChangePassword", **guess)

    with pytest.raises(ResourceExhausted):
        await edge.call(caller, "DeleteAccount", password=PASSWORD)


async def test_request_password_reset_answers_alike_whoever_asks(edge: Edge) -> None:
    account = (await edge.register()).account

    for email in (account.email.upper(), "nobody@example.com", "", "no address"):
        await edge.call(None, "RequestPasswordReset", email=email)

    assert sum(isinstance(fact, LinkRequested) for fact in edge.world.db.events) == 1


async def test_reset_password_takes_a_mailed_token_once(edge: Edge) -> None:
    registered = await edge.register()
    await edge.call(None, "RequestPasswordReset", email=registered.account.email)
    token = mailed(edge)

    await edge.call(None, "ResetPassword", token=token, new_password=NEW_PASSWORD)

    assert await ended(edge, registered.tokens.access_token)
    assert (await edge.login(registered.account.email, NEW_PASSWORD)).account.email_verified
    with pytest.raises(InvalidArgument) as refusal:
        await edge.call(None, "ResetPassword", token=token, new_password=PASSWORD)
    assert (refusal.value.reason, refusal.value.fields[0].path) == ("LINK_INVALID", ("token",))


async def test_request_email_verification_mails_a_link_until_the_address_is_proven(edge: Edge) -> None:
    caller, _ = await edge.person()
    await edge.call(caller, "RequestEmailVerification")

    proven = (await edge.call(None, "VerifyEmail", token=mailed(edge))).account

    assert proven.email_verified
    await edge.call(caller, "RequestEmailVerification")
    assert sum(isinstance(fact, LinkRequested) for fact in edge.world.db.events) == 1


async def test_verify_email_refuses_a_token_for_something_else(edge: Edge) -> None:
    account = (await edge.register()).account
    await edge.call(None, "RequestPasswordReset", email=account.email)

    for token in (mailed(edge), "", "x" * 100_000):
        with pytest.raises(InvalidArgument) as refusal:
            await edge.call(None, "VerifyEmail", token=token)
        assert refusal.value.reason == "LINK_INVALID"


@pytest.mark.parametrize(
    "method", ["ChangePassword", "RequestEmailVerification", "UpdateProfile", "DeleteAccount"]
)
async def test_an_owners_writes_are_refused_without_a_token_and_once_the_session_ended(
    edge: Edge, method: str
) -> None:
    caller, _ = await edge.person()
    await edge.call(caller, "Logout")
    fields = {"new_password": NEW_PASSWORD} if method == "ChangePassword" else {}

    callers: list[Principal | None] = [None, caller]
    for who in callers:
        with pytest.raises(Unauthenticated):
            await edge.call(who, method, **fields)
