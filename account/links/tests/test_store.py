"""The contract of the link store."""

import asyncio
from datetime import timedelta
from typing import Any

from account.links.domain import Purpose
from account.tests.stores import NOW, World, add_account, real, world
from kit.testing.fixtures import database_url, postgres

__all__ = ["database_url", "postgres", "real", "world"]

EXPIRE_TIME = NOW + timedelta(hours=1)


async def test_a_link_is_valid_once_until_it_expires_for_its_purpose(world: World) -> None:
    db, store = world
    account = await add_account(world)
    reset, verification = Purpose.PASSWORD_RESET, Purpose.EMAIL_VERIFICATION
    async with db.transaction() as tx:
        for link, purpose in ((b"1", reset), (b"2", reset), (b"3", verification)):
            await store.save_link(tx, purpose, account.id, link, NOW, EXPIRE_TIME)
    owners = [await store.link_owner(reset, link, NOW) for link in (b"1", b"2", b"3")]
    assert owners == [None, account.id, None]
    assert await store.link_owner(reset, b"2", EXPIRE_TIME) is None
    async with db.transaction() as tx:
        assert not await store.consume_link(tx, reset, b"2", EXPIRE_TIME)
        assert not await store.consume_link(tx, verification, b"2", NOW)
        assert await store.consume_link(tx, reset, b"2", NOW)
        assert not await store.consume_link(tx, reset, b"2", NOW)


async def test_one_of_many_parallel_calls_consumes_a_link(real: World) -> None:
    db, store = real
    account = await add_account(real)
    async with db.transaction() as tx:
        await store.save_link(tx, Purpose.PASSWORD_RESET, account.id, b"link", NOW, EXPIRE_TIME)

    async def consume() -> Any:
        async with db.transaction() as tx:
            return await store.consume_link(tx, Purpose.PASSWORD_RESET, b"link", NOW)

    assert sorted(await asyncio.gather(*(consume() for _ in range(8)))) == [*[False] * 7, True]


async def test_using_two_links_of_an_account_in_parallel_does_not_deadlock(real: World) -> None:
    db, store = real
    account = await add_account(real)
    async with db.transaction() as tx:
        for purpose in Purpose:
            await store.save_link(tx, purpose, account.id, purpose.value.encode(), NOW, EXPIRE_TIME)

    async def use(purpose: Purpose) -> bool:
        async with db.transaction() as tx:
            await store.lock(tx, account.id)
            consumed: bool = await store.consume_link(tx, purpose, purpose.value.encode(), NOW)
            await store.delete_links(tx, account.id)
        return consumed

    assert sum(await asyncio.gather(*(use(purpose) for purpose in [*Purpose] * 8))) == 1
