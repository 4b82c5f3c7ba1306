"""The contract of the device store."""

from datetime import timedelta

from account.tests.stores import NOW, World, add_account, real, world
from kit.testing.fixtures import database_url, postgres

__all__ = ["database_url", "postgres", "real", "world"]


async def test_the_most_recently_used_devices_of_an_account_are_kept(world: World) -> None:
    db, store = world
    account, other = await add_account(world), await add_account(world, "jane@example.com")
    async with db.transaction() as tx:
        for second, device in enumerate((b"1", b"2", b"3", b"1")):
            await store.save_device(tx, account.id, device, NOW + timedelta(seconds=second), 2)
        await store.save_device(tx, other.id, b"4", NOW, 2)
    owners = [await store.device_owner(device) for device in (b"1", b"2", b"3", b"4", b"5")]
    assert owners == [account.id, None, account.id, other.id, None]
    assert set(await store.devices_of(account.id)) == {b"1", b"3"}
    async with db.transaction() as tx:
        await store.erase(tx, account.id, NOW)
    assert await store.device_owner(b"1") is None
