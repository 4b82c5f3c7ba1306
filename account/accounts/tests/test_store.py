"""The contract of the account store."""

import asyncio

import pytest

from account.accounts.domain import Account, AccountDeleted, AccountRegistered
from account.accounts.errors import EmailTaken
from account.links.domain import Purpose
from account.tests.stores import NOW, World, add_account, add_session, real, world
from kit.auth import Role
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT

__all__ = ["database_url", "postgres", "real", "world"]


async def test_an_account_is_read_as_it_was_written(world: World) -> None:
    account = await add_account(world)
    assert await world[1].get_many([account.id, ACCOUNT.new()]) == [account]


async def test_an_address_belongs_to_one_account(world: World) -> None:
    await add_account(world)
    with pytest.raises(EmailTaken):
        await add_account(world)


async def test_a_changed_role_is_stored(world: World) -> None:
    account = await add_account(world)
    db, store = world
    async with db.transaction() as tx:
        locked = await store.lock_by_email(tx, account.email)
        await store.update(tx, locked.set_role(Role.ADMIN, NOW)[0])
    assert (await store.get_many([account.id]))[0].role is Role.ADMIN


async def test_admins_are_the_accounts_with_that_role_now(world: World) -> None:
    db, store = world
    first, second = await add_account(world), await add_account(world, "jane@example.com")
    async with db.transaction() as tx:
        for account in (first, second):
            await store.update(tx, account.set_role(Role.ADMIN, NOW)[0])
    assert await store.admins() == {first.id, second.id}
    async with db.transaction() as tx:
        assert await store.lock_admins(tx) == {first.id, second.id}
        await store.erase(tx, first.id, NOW)
    assert await store.admins() == {second.id}


async def test_a_deleted_account_is_not_found_and_its_address_is_free(world: World) -> None:
    db, store = world
    account = await add_account(world)
    session = await add_session(world, account)
    async with db.transaction() as tx:
        await store.save_link(tx, Purpose.PASSWORD_RESET, account.id, b"link", NOW, session.expire_time)
        await store.revoke_sessions(tx, account.id, NOW)
        await store.erase(tx, account.id, NOW)
    assert await store.get_many([account.id]) == []
    assert await store.credentials(account.email) is None
    assert await store.session_role(session.id, account.id, NOW) is None
    async with db.transaction() as tx:
        assert await store.lock_refresh_token(tx, b"first") is None
    assert await store.link_owner(Purpose.PASSWORD_RESET, b"link", NOW) is None
    assert await store.count("") == 0
    await add_account(world)


async def test_two_admins_cannot_both_leave_the_role(real: World) -> None:
    db, store = real
    admins = [await add_account(real), await add_account(real, "jane@example.com")]
    async with db.transaction() as tx:
        for account in admins:
            await store.update(tx, account.set_role(Role.ADMIN, NOW)[0])

    async def leave(admin: Account) -> bool:
        async with db.transaction() as tx:
            if await store.lock_admins(tx) == {admin.id}:
                return False
            await store.update(tx, admin)
            return True

    assert sorted(await asyncio.gather(*map(leave, admins))) == [False, True]
    assert len(await store.admins()) == 1


async def test_no_personal_data_of_a_deleted_account_remains(real: World) -> None:
    db, store = real
    account = await add_account(real)
    async with db.transaction() as tx:
        await tx.emit(AccountRegistered(account))
        await store.erase(tx, account.id, NOW)
        await tx.emit(AccountDeleted(account.id, NOW))
    async with db.transaction() as tx:
        await store.purge_published_events(tx, account.id)

    row = await db.fetchrow(
        "SELECT name, email, phone, password_hash FROM accounts WHERE id = $1", account.id
    )
    assert set(row.values()) == {""}
    [event] = await db.fetch("SELECT type, payload FROM outbox")
    assert event["type"] == "souk.account.v1.AccountDeleted"
    assert b"john" not in event["payload"]
