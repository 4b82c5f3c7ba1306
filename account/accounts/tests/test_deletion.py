"""Deleting accounts, on fakes."""

import pytest

from account.accounts.domain import AccountDeleted
from account.credentials.errors import BadCredentials, WrongPassword
from account.sessions.domain import SessionEnded
from account.tests.shop import HOME, PASSWORD, Shop, keys, shop
from kit.errors import FailedPrecondition

__all__ = ["keys", "shop"]


async def test_only_the_ids_of_a_deleted_account_remain(shop: Shop) -> None:
    john = await shop.register()
    caller = await shop.principal(john)
    with pytest.raises(BadCredentials):
        await shop.login("wrong-password")

    await shop.deletions.delete(caller, PASSWORD, HOME)

    assert shop.orders.closed == [john.account.id]
    assert not shop.store.accounts
    assert {record.event.address for record in shop.store.audits} == {""}
    assert shop.actions()[-1] == "account.delete"
    ended, deleted = shop.db.events[-2:]
    assert isinstance(ended, SessionEnded)
    assert deleted == AccountDeleted(john.account.id, shop.clock.now)


async def test_orders_are_closed_only_after_the_password_is_confirmed(shop: Shop) -> None:
    john = await shop.register()
    with pytest.raises(WrongPassword):
        await shop.deletions.delete(await shop.principal(john), "wrong-password", HOME)
    assert not shop.orders.closed


async def test_open_orders_prevent_deletion(shop: Shop) -> None:
    john = await shop.register()
    shop.orders.error = FailedPrecondition("open", reason="ORDERS_OPEN")
    emitted = len(shop.db.events)
    with pytest.raises(FailedPrecondition):
        await shop.deletions.delete(await shop.principal(john), PASSWORD, HOME)
    assert len(shop.db.events) == emitted
    assert await shop.login()
