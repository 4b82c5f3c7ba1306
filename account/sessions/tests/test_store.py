"""The contract of the session store."""

import asyncio
from datetime import datetime, timedelta

from account.links.domain import Purpose
from account.sessions.domain import RefreshToken
from account.tests.stores import NOW, World, add_account, add_session, real, world
from kit.auth import Role
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, SESSION

__all__ = ["database_url", "postgres", "real", "world"]


async def rotate(world: World, used: bytes, successor: bytes, now: datetime = NOW) -> None:
    db, store = world
    async with db.transaction() as tx:
        refresh, _ = await store.lock_refresh_token(tx, used)
        await store.rotate(tx, refresh, used, successor, f"seed of {used!r}", now, now + timedelta(days=1))


async def lock(world: World, refresh_hash: bytes) -> RefreshToken | None:
    db, store = world
    async with db.transaction() as tx:
        locked = await store.lock_refresh_token(tx, refresh_hash)
    return locked[0] if locked else None


async def test_a_session_has_a_role_until_it_expires_or_is_revoked(world: World) -> None:
    db, store = world
    account = await add_account(world)
    session = await add_session(world, account)
    assert await store.session_role(session.id, account.id, NOW) is Role.USER
    assert await store.session_role(session.id, ACCOUNT.new(), NOW) is None
    assert await store.session_role(SESSION.new(), account.id, NOW) is None
    assert await store.session_role(session.id, account.id, NOW + timedelta(days=3)) is None
    async with db.transaction() as tx:
        await store.revoke_sessions(tx, account.id, NOW)
    assert await store.session_role(session.id, account.id, NOW) is None


async def test_a_refresh_token_shows_the_use_of_itself_and_its_successor(world: World) -> None:
    account = await add_account(world)
    session = await add_session(world, account)
    first = await lock(world, b"first")
    assert first
    assert (first.session_id, first.account_id, first.use_time) == (session.id, account.id, None)
    expire_times = (first.session_expire_time, first.expire_time)
    assert expire_times == (session.expire_time, session.refresh_expire_time)
    assert (first.seed, first.successor_expire_time) == (None, None)

    await rotate(world, b"first", b"second")
    used = await lock(world, b"first")
    assert used
    assert (used.use_time, used.seed, used.successor_used) == (NOW, "seed of b'first'", False)
    assert used.successor_expire_time == NOW + timedelta(days=1)

    await rotate(world, b"second", b"third")
    states = {}
    for token in (b"first", b"second", b"third"):
        refresh = await lock(world, token)
        assert refresh
        states[token] = (refresh.use_time is not None, refresh.successor_used)
    assert states == {b"first": (True, True), b"second": (True, False), b"third": (False, False)}
    assert await lock(world, b"unknown") is None


async def test_a_session_is_revoked_once(world: World) -> None:
    db, store = world
    account, other = await add_account(world), await add_account(world, "jane@example.com")
    sessions = [await add_session(world, account, bytes([number])) for number in range(3)]
    await add_session(world, other, b"other")
    async with db.transaction() as tx:
        assert await store.revoke_session(tx, sessions[0].id, NOW)
        assert not await store.revoke_session(tx, sessions[0].id, NOW)
        assert set(await store.revoke_sessions(tx, account.id, NOW)) == {sessions[1].id, sessions[2].id}
        assert await store.revoke_sessions(tx, account.id, NOW) == []
        # Expired sessions need no revocation.
        assert await store.revoke_sessions(tx, other.id, NOW + timedelta(days=2)) == []
    refresh = await lock(world, b"\x00")
    assert refresh
    assert refresh.session_revoked


async def test_revoking_all_sessions_deletes_the_mailed_links_of_their_account(world: World) -> None:
    db, store = world
    account, other = await add_account(world), await add_account(world, "jane@example.com")
    expire_time = NOW + timedelta(hours=1)
    async with db.transaction() as tx:
        for owner, link in ((account, b"1"), (other, b"2")):
            await store.save_link(tx, Purpose.PASSWORD_RESET, owner.id, link, NOW, expire_time)
        await store.save_link(tx, Purpose.EMAIL_VERIFICATION, account.id, b"3", NOW, expire_time)
        await store.revoke_sessions(tx, account.id, NOW)
    assert await store.link_owner(Purpose.PASSWORD_RESET, b"1", NOW) is None
    assert await store.link_owner(Purpose.EMAIL_VERIFICATION, b"3", NOW) is None
    assert await store.link_owner(Purpose.PASSWORD_RESET, b"2", NOW) == other.id


async def test_one_of_several_parallel_uses_is_the_first(real: World) -> None:
    db, store = real
    await add_session(real, await add_account(real))

    async def use(number: int) -> bool:
        async with db.transaction() as tx:
            refresh, _ = await store.lock_refresh_token(tx, b"first")
            if refresh.seed is None:
                await store.rotate(tx, refresh, b"first", bytes([number]), str(number), NOW, NOW)
            return refresh.seed is None

    assert sum(await asyncio.gather(*(use(number) for number in range(8)))) == 1
    assert len(await db.fetch("SELECT hash FROM refresh_tokens WHERE parent = $1", b"first")) == 1
