"""The contract of GuestStore, on the fake and on PostgreSQL, and guests in the stores of other aggregates."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from account.accounts.domain import Account
from account.accounts.errors import EmailTaken
from account.guests.domain import new_guest
from account.tests.stores import NOW, World, add_account, add_session, real, world
from kit.testing.fixtures import database_url, postgres

__all__ = ["database_url", "postgres", "real", "world"]

DAY = timedelta(days=1)


async def add_guest(world: World, email: str = "") -> Account:
    db, store = world
    guest = replace(new_guest(NOW), email=email)
    async with db.transaction() as tx:
        await store.add_guest(tx, guest, NOW + DAY)
        if email:
            await store.set_contact(tx, guest)
    return guest


async def locked(world: World, account_id: UUID) -> Account | None:
    db, store = world
    async with db.transaction() as tx:
        guest: Account | None = await store.lock_guest(tx, account_id)
    return guest


async def test_guests_may_share_an_address_with_each_other_and_an_account(world: World) -> None:
    account = await add_account(world, "jane@example.com")
    guests = [await add_guest(world, "jane@example.com") for _ in range(2)]
    _, store = world

    assert [await locked(world, guest.id) for guest in guests] == guests
    assert (await store.credentials("jane@example.com")).account == account
    assert await locked(world, account.id) is None


@pytest.mark.parametrize("email", ["", "jane@example.com"])
async def test_no_look_up_by_address_and_no_search_finds_a_guest(world: World, email: str) -> None:
    guest = await add_guest(world, email)
    db, store = world

    assert await store.credentials(email) is None
    async with db.transaction() as tx:
        assert await store.lock_by_email(tx, email) is None
    assert await store.page("", None, 10) == []
    assert await store.page("jane", None, 10) == []
    assert await store.count("") == 0
    assert await store.get_many([guest.id]) == [guest]


async def test_a_registered_guest_is_an_account_and_a_taken_address_is_rejected(world: World) -> None:
    guest, late = await add_guest(world), await add_guest(world)
    db, store = world
    account = replace(guest, name="Jane", email="jane@example.com", guest=False)
    async with db.transaction() as tx:
        await store.register_guest(tx, account, "hash")

    assert (await store.credentials("jane@example.com")).account == account
    assert await store.page("jane", None, 10) == [account]
    with pytest.raises(EmailTaken):
        async with db.transaction() as tx:
            await store.register_guest(tx, replace(late, email="jane@example.com", guest=False), "hash")
    assert await locked(world, late.id) == late


async def test_a_merged_guest_is_gone_and_names_its_account(world: World) -> None:
    account, guest = await add_account(world), await add_guest(world, "jane@example.com")
    await add_session(world, guest, b"token")
    db, store = world

    async with db.transaction() as tx:
        assert await store.lock_pair(tx, guest.id, account.id) == (guest, account)
        assert await store.lock_pair(tx, account.id, guest.id) == (None, None)
        await store.merge_guest(tx, guest.id, account.id, NOW)

    async with db.transaction() as tx:
        assert await store.lock_pair(tx, guest.id, account.id) == (None, account)
        assert await store.merged_into(tx, guest.id) == account.id
        assert await store.merged_into(tx, account.id) is None
        assert await store.lock_refresh_token(tx, b"token") is None
    assert await store.get_many([guest.id]) == []


async def test_guests_are_due_with_their_last_use_until_they_are_postponed(world: World) -> None:
    first, second = await add_guest(world), await add_guest(world)
    session = await add_session(world, second, b"token")
    _, store = world

    assert await store.due_guests(NOW, 10) == []
    due = await store.due_guests(NOW + DAY, 10)
    assert {(guest.id, guest.use_time) for guest in due} == {
        (first.id, first.create_time),
        (second.id, session.create_time),
    }
    await store.postpone_guests({first.id: NOW + 3 * DAY})
    assert [guest.id for guest in await store.due_guests(NOW + 2 * DAY, 10)] == [second.id]
    assert len(await store.due_guests(NOW + 3 * DAY, 1)) == 1


async def test_a_deleted_guest_is_not_due(world: World) -> None:
    guest = await add_guest(world, "jane@example.com")
    db, store = world
    async with db.transaction() as tx:
        await store.erase(tx, guest.id, NOW)
    assert await store.due_guests(NOW + DAY, 10) == []
    assert await locked(world, guest.id) is None


async def test_a_guest_can_be_stored_neither_with_a_password_nor_as_an_admin(real: World) -> None:
    await add_guest(real)
    db, _ = real
    for change in ("password_hash = 'x'", "role = 'ADMIN'"):
        with pytest.raises(Exception, match="guests_cannot_sign_in"):
            await db.execute(f"UPDATE accounts SET {change}")
