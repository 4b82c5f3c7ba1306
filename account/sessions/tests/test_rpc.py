"""The RPCs of sessions, on an in-process server with real tokens."""

import asyncio

import pytest
from souk.account.v1 import account_pb2

from account.tests.edges import Edge, edge
from kit.auth import Role
from kit.errors import Unauthenticated
from kit.values import ACCOUNT, SESSION

__all__ = ["edge"]


async def refresh(edge: Edge, refresh_token: str) -> account_pb2.Tokens:
    response = await edge.call(None, "RefreshTokens", refresh_token=refresh_token)
    tokens: account_pb2.Tokens = response.tokens
    return tokens


async def test_verify_token_returns_the_account_and_its_current_role(edge: Edge) -> None:
    admin, (customer, account) = await edge.admin(), await edge.customer()

    assert (await edge.verify(customer.token)).account_id == account.id
    assert (await edge.verify(customer.token)).role == account_pb2.ROLE_USER
    assert (await edge.verify(admin.token)).role == account_pb2.ROLE_ADMIN


async def test_verify_token_rejects_a_revoked_session(edge: Edge) -> None:
    customer, account = await edge.customer()
    await edge.world.roles.grant_admin(account.email)

    with pytest.raises(Unauthenticated) as error:
        await edge.verify(customer.token)
    assert error.value.reason == "TOKEN_INVALID"


async def test_verify_token_rejects_invalid_and_expired_tokens(edge: Edge) -> None:
    registered = await edge.register()
    account_id = ACCOUNT.parse(registered.account.id)
    without_session, _ = edge.world.issuer.access_token(account_id, Role.ADMIN, SESSION.new())
    edge.world.clock.advance(days=-1)
    expired, _ = edge.world.issuer.access_token(account_id, Role.ADMIN, SESSION.new())

    reasons = []
    for token in ("", "x", registered.tokens.refresh_token, without_session + "x", without_session, expired):
        with pytest.raises(Unauthenticated) as error:
            await edge.verify(token)
        reasons.append(error.value.reason)
    assert reasons == ["TOKEN_INVALID"] * 5 + ["TOKEN_EXPIRED"]


async def test_refresh_tokens_returns_new_tokens_of_the_same_session(edge: Edge) -> None:
    registered = await edge.register()

    response = await edge.call(None, "RefreshTokens", refresh_token=registered.tokens.refresh_token)

    assert response.account == registered.account
    assert response.tokens.refresh_token != registered.tokens.refresh_token
    sessions = {(await edge.caller(tokens)).session_id for tokens in (response.tokens, registered.tokens)}
    assert len(sessions) == 1


async def test_parallel_calls_of_refresh_tokens_return_one_refresh_token(edge: Edge) -> None:
    tokens = (await edge.register()).tokens
    responses = await asyncio.gather(*(refresh(edge, tokens.refresh_token) for _ in range(6)))
    assert len({response.refresh_token for response in responses}) == 1
    assert not await edge.is_revoked(responses[0].access_token)


async def test_refresh_tokens_revokes_the_session_after_late_reuse(edge: Edge) -> None:
    tokens = (await edge.register()).tokens
    newer = await refresh(edge, tokens.refresh_token)
    edge.world.clock.advance(seconds=11)

    with pytest.raises(Unauthenticated) as error:
        await refresh(edge, tokens.refresh_token)
    assert error.value.reason == "TOKEN_INVALID"
    assert await edge.is_revoked(newer.access_token)


@pytest.mark.parametrize("token", ["", "x", "\x00", "\u20ac" * 10_000])
async def test_refresh_tokens_rejects_an_unknown_token(edge: Edge, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await refresh(edge, token)


async def test_refresh_tokens_rejects_an_access_token(edge: Edge) -> None:
    with pytest.raises(Unauthenticated):
        await refresh(edge, (await edge.register()).tokens.access_token)


async def test_logout_revokes_only_the_callers_session(edge: Edge) -> None:
    registered = await edge.register()
    other = (await edge.login(registered.account.email)).tokens

    await edge.call(await edge.caller(registered.tokens), "Logout")

    assert await edge.is_revoked(registered.tokens.access_token)
    assert not await edge.is_revoked(other.access_token)


async def test_logout_revokes_the_session_of_a_refresh_token(edge: Edge) -> None:
    tokens = (await edge.register()).tokens

    for _ in range(2):
        await edge.call(None, "Logout", refresh_token=tokens.refresh_token)
    await edge.call(None, "Logout", refresh_token="unknown")

    assert await edge.is_revoked(tokens.access_token)


async def test_logout_without_a_token_is_unauthenticated(edge: Edge) -> None:
    with pytest.raises(Unauthenticated):
        await edge.call(None, "Logout")
