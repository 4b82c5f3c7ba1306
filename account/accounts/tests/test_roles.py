"""Changing roles, on fakes."""

import pytest

from account.accounts.domain import AccountUpdated
from account.accounts.errors import AccountNotFound, LastAdmin
from account.sessions.errors import SessionRevoked
from account.tests.shop import EMAIL, HOME, Shop, keys, shop
from kit.auth import Role

__all__ = ["keys", "shop"]


async def test_granting_admin_revokes_every_session_and_is_audited(shop: Shop) -> None:
    principal = await shop.principal(await shop.register())
    assert await shop.sessions.current_role(principal) is Role.USER
    granted = await shop.roles.grant_admin("John@example.com")
    assert granted.role is Role.ADMIN
    with pytest.raises(SessionRevoked):
        await shop.sessions.current_role(principal)
    assert shop.db.events[-1] == AccountUpdated(granted)
    assert shop.actions() == ["account.register", "account.grant_admin"]
    again = await shop.principal(await shop.login())
    assert (again.role, await shop.sessions.current_role(again)) == (Role.ADMIN, Role.ADMIN)


async def test_granting_admin_again_changes_nothing(shop: Shop) -> None:
    await shop.register()
    await shop.roles.grant_admin(EMAIL)
    emitted = len(shop.db.events)
    await shop.roles.grant_admin(EMAIL)
    assert len(shop.db.events) == emitted


async def test_admin_is_granted_only_to_a_known_address(shop: Shop) -> None:
    with pytest.raises(AccountNotFound):
        await shop.roles.grant_admin("unknown@example.com")


async def test_all_but_the_last_admin_can_lose_the_role(shop: Shop) -> None:
    for email in (EMAIL, "jane@example.com"):
        await shop.register(email=email)
        await shop.roles.grant_admin(email)
    john, jane = await shop.login(), await shop.login(email="jane@example.com")
    caller = await shop.principal(john)
    changed = await shop.roles.set_role(caller, jane.account.id, Role.USER, HOME)
    assert changed.role is Role.USER
    with pytest.raises(LastAdmin):
        await shop.roles.set_role(caller, john.account.id, Role.USER, HOME)
