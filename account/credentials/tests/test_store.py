"""The contract of the credential store."""

from account.tests.stores import World, add_account, real, world
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT

__all__ = ["database_url", "postgres", "real", "world"]


async def test_credentials_are_found_by_address(world: World) -> None:
    account = await add_account(world)
    assert await world[1].credentials(account.email) == (account, "hash")
    assert await world[1].credentials("unknown@example.com") is None


async def test_a_password_is_replaced(world: World) -> None:
    db, store = world
    account = await add_account(world)
    async with db.transaction() as tx:
        assert await store.lock_credentials(tx, account.id) == (account, "hash")
        await store.set_password(tx, account.id, "another")
        assert await store.lock_credentials(tx, ACCOUNT.new()) is None
    assert await store.password_hash(account.id) == "another"
    assert await store.password_hash(ACCOUNT.new()) is None


async def test_a_hash_is_not_replaced_after_the_password_changed(world: World) -> None:
    store = world[1]
    account = await add_account(world)
    await store.replace_hash(account.id, "hash", "stronger")
    await store.replace_hash(account.id, "hash", "outdated")
    assert await store.password_hash(account.id) == "stronger"
