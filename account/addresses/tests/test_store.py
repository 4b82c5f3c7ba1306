"""The contract of AddressStore, on the fake and on PostgreSQL."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from account.addresses.domain import AddressChange, PostalAddress, SavedAddress
from account.tests.stores import NOW, World, add_account, real, world
from kit.testing.fixtures import database_url, postgres

__all__ = ["database_url", "postgres", "real", "world"]

HOME = PostalAddress("John Doe", "Bahnhofstrasse 1", "", "Zürich", "ZH", "8001", "CH")


async def add(
    world: World,
    account_id: UUID,
    seconds: int,
    *,
    default_shipping: bool = False,
    default_billing: bool = False,
) -> SavedAddress:
    db, store = world
    time = NOW + timedelta(seconds=seconds)
    defaults = AddressChange(None, default_shipping, default_billing)
    saved = SavedAddress.create(account_id, HOME, time).change(defaults, time)
    async with db.transaction() as tx:
        await store.save_address(tx, saved)
    return saved


async def test_the_addresses_of_each_account_are_read_oldest_first(world: World) -> None:
    john, jane = await add_account(world), await add_account(world, "jane@example.com")
    second, first = await add(world, john.id, 2), await add(world, john.id, 1)
    third = await add(world, jane.id, 3)
    db, store = world

    stored = await store.addresses_of([john.id, jane.id, STRANGER])

    assert stored == {john.id: [first, second], jane.id: [third]}
    async with db.transaction() as tx:
        assert await store.count_addresses(tx, john.id) == 2


async def test_a_default_takes_the_place_of_the_previous_one_of_its_kind(world: World) -> None:
    john, jane = await add_account(world), await add_account(world, "jane@example.com")
    first = await add(world, john.id, 1, default_shipping=True, default_billing=True)
    others = await add(world, jane.id, 1, default_shipping=True, default_billing=True)
    second = await add(world, john.id, 2, default_shipping=True)
    _, store = world

    stored = await store.addresses_of([john.id, jane.id])

    assert stored[john.id] == [replace(first, default_shipping=False), second]
    assert stored[jane.id] == [others]


async def test_an_address_is_changed_and_deleted_only_as_its_owners(world: World) -> None:
    john, jane = await add_account(world), await add_account(world, "jane@example.com")
    saved = await add(world, john.id, 1)
    db, store = world
    moved = saved.change(AddressChange(replace(HOME, line1="Kirchweg 2"), None, True), NOW)

    async with db.transaction() as tx:
        await store.save_address(tx, moved)
        assert await store.find_address(tx, john.id, saved.id) == moved
        assert await store.find_address(tx, jane.id, saved.id) is None
        assert not await store.delete_address(tx, jane.id, saved.id)
        assert await store.delete_address(tx, john.id, saved.id)
        assert not await store.delete_address(tx, john.id, saved.id)


async def test_a_deleted_account_leaves_no_address(world: World) -> None:
    john = await add_account(world)
    await add(world, john.id, 1, default_shipping=True)
    db, store = world

    async with db.transaction() as tx:
        await store.erase(tx, john.id, NOW)

    assert await store.addresses_of([john.id]) == {}


@pytest.mark.parametrize("default", ["default_shipping", "default_billing"])
async def test_two_defaults_of_one_account_cannot_be_stored(real: World, default: str) -> None:
    john = await add_account(real)
    await add(real, john.id, 1, **{default: True})
    await add(real, john.id, 2)
    db, _ = real

    with pytest.raises(Exception, match=f"addresses_{default}"):
        await db.execute(f"UPDATE addresses SET {default} = true")


STRANGER = UUID(int=1)
