"""Refreshing and revoking sessions, on fakes."""

import asyncio
import hashlib
from datetime import timedelta

import pytest

from account.sessions.domain import SessionEnded
from account.sessions.errors import RefreshExpired, SessionRevoked
from account.tests.shop import EMAIL, HOME, Shop, keys, shop
from kit.auth import MAX_LIFETIME

__all__ = ["keys", "shop"]


async def test_the_refresh_token_is_stored_hashed(shop: Shop) -> None:
    signed_in = await shop.register()
    assert hashlib.sha256(signed_in.refresh_token.encode()).digest() in shop.store.tokens


async def test_a_session_in_use_lasts_until_its_absolute_lifetime(shop: Shop) -> None:
    signed_in = await shop.register()
    for _ in range(6):
        shop.clock.advance(days=13)
        signed_in = await shop.refresh(signed_in)
    shop.clock.advance(days=13)
    with pytest.raises(SessionRevoked):
        await shop.refresh(signed_in)
    assert not shop.revoked()


async def test_an_unused_refresh_token_expires(shop: Shop) -> None:
    signed_in = await shop.register()
    shop.clock.advance(days=14)
    with pytest.raises(RefreshExpired):
        await shop.refresh(signed_in)


async def test_a_retry_and_a_second_tab_get_the_same_refresh_token(shop: Shop) -> None:
    first = await shop.register()
    tabs = [await shop.refresh(first), await shop.refresh(first)]
    shop.clock.advance(minutes=20)

    newer = [await shop.refresh(tab) for tab in tabs]

    assert len({result.refresh_token for result in (first, *tabs, *newer)}) == 3
    assert len({result.refresh_token_expire_time for result in tabs}) == 1
    assert len(shop.store.sessions) == 1
    assert not shop.revoked()


async def test_six_parallel_uses_leave_one_unused_token(shop: Shop) -> None:
    first = await shop.register()
    results = await asyncio.gather(*(shop.refresh(first) for _ in range(6)))
    [token] = {result.refresh_token for result in results}
    assert len([stored for stored in shop.store.tokens.values() if stored.use_time is None]) == 1

    shop.clock.advance(seconds=11)
    newer = await shop.sessions.refresh(token, HOME)
    with pytest.raises(SessionRevoked):
        await shop.refresh(first)
    with pytest.raises(SessionRevoked):
        await shop.refresh(newer)


async def test_reuse_after_the_successor_was_used_revokes_the_session_within_the_grace_period(
    shop: Shop,
) -> None:
    first = await shop.register()
    second = await shop.refresh(first)
    await shop.refresh(second)
    with pytest.raises(SessionRevoked):
        await shop.refresh(first)
    assert len(shop.revoked()) == 1


async def test_no_access_token_outlives_its_session(shop: Shop) -> None:
    signed_in = await shop.register()
    end = shop.store.sessions[(await shop.principal(signed_in)).session_id].expire_time
    for _ in range(6):
        shop.clock.advance(days=13)
        signed_in = await shop.refresh(signed_in)
    shop.clock.now = end - timedelta(minutes=3)
    signed_in = await shop.refresh(signed_in)
    assert signed_in.access_token_expire_time == end.replace(microsecond=0)
    assert (await shop.refresh(signed_in)).access_token_expire_time == end.replace(microsecond=0)


async def test_reuse_of_an_older_token_revokes_its_session_at_once(shop: Shop) -> None:
    first = await shop.register()
    second = await shop.refresh(first)
    third = await shop.refresh(second)

    for signed_in in (first, third):
        with pytest.raises(SessionRevoked):
            await shop.refresh(signed_in)

    principal = await shop.principal(first)
    [event] = shop.revoked()
    assert event == SessionEnded(principal.session_id, principal.account_id, shop.clock.now + MAX_LIFETIME)
    assert shop.actions()[-1] == "account.refresh_token_reused"
    with pytest.raises(SessionRevoked):
        await shop.sessions.current_role(principal)


async def test_a_stolen_token_does_not_revoke_other_sessions(shop: Shop) -> None:
    stolen, other = await shop.register(), await shop.login()
    await shop.refresh(stolen)
    shop.clock.advance(seconds=11)
    with pytest.raises(SessionRevoked):
        await shop.refresh(stolen)
    await shop.refresh(other)


async def test_a_refreshed_access_token_contains_the_current_role(shop: Shop) -> None:
    await shop.register()
    await shop.roles.grant_admin(EMAIL)
    signed_in = await shop.login()
    assert (await shop.principal(await shop.refresh(signed_in))).is_admin


async def test_a_second_logout_emits_no_event(shop: Shop) -> None:
    signed_in = await shop.register()
    principal = await shop.principal(signed_in)
    for _ in range(2):
        await shop.sessions.logout(principal, "", HOME)
        await shop.sessions.logout(None, signed_in.refresh_token, HOME)
    assert len(shop.revoked()) == 1
    assert shop.actions().count("account.logout") == 1
