"""Reading and changing accounts, on fakes."""

import asyncio
from dataclasses import replace

import pytest

from account.accounts.domain import AccountUpdated, Profile
from account.accounts.errors import AccountNotFound
from account.tests.shop import HOME, Shop, keys, shop
from kit.auth import Principal, Role
from kit.errors import InvalidArgument
from kit.values import ACCOUNT

__all__ = ["keys", "shop"]


async def test_an_account_is_visible_to_its_owner_and_to_an_admin(shop: Shop) -> None:
    john = await shop.register()
    jane = await shop.register(email="jane@example.com")
    owner, stranger = await shop.principal(john), await shop.principal(jane)
    assert await shop.accounts.get(john.account.id, owner) == john.account
    with pytest.raises(AccountNotFound):
        await shop.accounts.get(john.account.id, stranger)
    admin = Principal(stranger.account_id, Role.ADMIN, stranger.session_id)
    accounts = await shop.accounts.get_many([john.account.id, jane.account.id, ACCOUNT.new()], admin)
    assert [account.email for account in accounts] == ["john@example.com", "jane@example.com"]


async def test_concurrent_reads_share_one_query_and_each_gets_its_own_accounts(shop: Shop) -> None:
    john = await shop.register()
    jane = await shop.register(email="jane@example.com")
    owner, other = await shop.principal(john), await shop.principal(jane)
    both = [jane.account.id, john.account.id]
    shop.store.reads.clear()

    results = await asyncio.gather(
        shop.accounts.get_many(both, owner),
        shop.accounts.get_many(both, other),
        shop.accounts.get_many([ACCOUNT.new()], Principal(other.account_id, Role.ADMIN, other.session_id)),
    )

    assert list(results) == [[john.account], [jane.account], []]
    assert [len(ids) for ids in shop.store.reads] == [3]


@pytest.mark.parametrize("name", ["\u3164", "evil.com", "John\u2028Doe"])
async def test_a_profile_rejects_a_deceptive_name_and_keeps_one_stored_before_the_rule(
    shop: Shop, name: str
) -> None:
    john = await shop.register()
    with pytest.raises(InvalidArgument):
        Profile.read(name=name, phone=None)
    account, password_hash = shop.store.accounts[john.account.id]
    shop.replace_stored(replace(account, name=name), password_hash)
    profile = Profile.read(name=None, phone="+41441234567")
    changed = await shop.accounts.update_profile(await shop.principal(john), profile, HOME)
    assert (changed.name, changed.phone) == (name, "+41441234567")


async def test_an_unchanged_profile_emits_no_event(shop: Shop) -> None:
    john = await shop.register()
    caller, emitted = await shop.principal(john), len(shop.db.events)
    for profile in (Profile(None, None), Profile(john.account.name, "")):
        assert await shop.accounts.update_profile(caller, profile, HOME) == john.account
    assert len(shop.db.events) == emitted
    changed = await shop.accounts.update_profile(caller, Profile("Jane", None), HOME)
    assert shop.db.events[-1] == AccountUpdated(changed)
