"""Mailed links, on fakes."""

from datetime import timedelta
from typing import Any

import pytest

from account.accounts.domain import AccountUpdated
from account.attempts.errors import LoginThrottled
from account.credentials.errors import BadCredentials
from account.links.domain import Purpose
from account.links.errors import LinkInvalid, ResetThrottled
from account.sessions.domain import AuthResult
from account.tests.shop import EMAIL, HOME, NEW_PASSWORD, PASSWORD, Shop, keys, shop
from kit.auth import Role

__all__ = ["keys", "shop"]


async def test_a_link_is_encrypted_for_the_mail_and_expires(shop: Shop) -> None:
    await shop.register()
    await shop.reset_requests.request_password_reset("JOHN@example.com ", HOME)
    [link] = shop.mailed()
    assert (link.purpose, link.expire_time) == (Purpose.PASSWORD_RESET, shop.clock.now + timedelta(hours=1))
    assert link.sealed_token not in shop.store.links

    shop.clock.advance(hours=1)
    with pytest.raises(LinkInvalid):
        await shop.resets.reset_password(link.sealed_token.decode(), NEW_PASSWORD, HOME)


async def test_only_the_link_that_was_mailed_last_is_valid(shop: Shop) -> None:
    await shop.register()
    first, second = await shop.reset_token(), await shop.reset_token()
    with pytest.raises(LinkInvalid):
        await shop.resets.reset_password(first, NEW_PASSWORD, HOME)
    await shop.resets.reset_password(second, NEW_PASSWORD, HOME)


async def test_a_made_up_token_is_rejected_without_hashing(shop: Shop) -> None:
    await shop.register()
    hashes = shop.passwords.hashes
    with pytest.raises(LinkInvalid):
        await shop.resets.reset_password("made up", NEW_PASSWORD, HOME)
    assert shop.passwords.hashes == hashes


async def test_a_password_reset_verifies_the_address_and_resets_the_limits(shop: Shop) -> None:
    await shop.register()
    for _ in range(3):
        with pytest.raises(BadCredentials):
            await shop.login("guess")
    with pytest.raises(LoginThrottled):
        await shop.login()
    await shop.resets.reset_password(await shop.reset_token(), NEW_PASSWORD, HOME)

    assert (await shop.login(NEW_PASSWORD)).account.email_verified
    assert any(isinstance(event, AccountUpdated) for event in shop.db.events)


async def test_mails_to_one_account_and_requests_from_one_network_are_limited(shop: Shop) -> None:
    await shop.register()
    for _ in range(5):
        await shop.reset_requests.request_password_reset(EMAIL, HOME)
    assert len(shop.mailed()) == 3
    with pytest.raises(ResetThrottled):
        await shop.reset_requests.request_password_reset("jane@example.com", HOME)


async def change_password(shop: Shop, john: AuthResult) -> None:
    await shop.change_password(john)


async def grant_admin(shop: Shop, john: AuthResult) -> None:
    await shop.roles.grant_admin(EMAIL)


async def set_role(shop: Shop, john: AuthResult) -> None:
    await shop.register(email="boss@example.com")
    await shop.roles.grant_admin("boss@example.com")
    boss = await shop.principal(await shop.login(email="boss@example.com"))
    await shop.roles.set_role(boss, john.account.id, Role.ADMIN, HOME)


async def reset_password(shop: Shop, john: AuthResult) -> None:
    await shop.resets.reset_password(await shop.reset_token(), NEW_PASSWORD, HOME)


async def delete(shop: Shop, john: AuthResult) -> None:
    await shop.deletions.delete(await shop.principal(john), PASSWORD, HOME)
    await shop.register()


async def verify_email(shop: Shop, john: AuthResult) -> None:
    await shop.verifications.verify_email(await shop.verification_token(john), HOME)


@pytest.mark.parametrize(
    "action", [change_password, grant_admin, set_role, reset_password, delete, verify_email]
)
async def test_every_mailed_link_is_invalid_after(shop: Shop, action: Any) -> None:
    john = await shop.register()
    verification, reset = await shop.verification_token(john), await shop.reset_token()

    await action(shop, john)

    with pytest.raises(LinkInvalid):
        await shop.resets.reset_password(reset, "YetAnother789!", HOME)
    with pytest.raises(LinkInvalid):
        await shop.verifications.verify_email(verification, HOME)


async def test_a_logout_does_not_invalidate_links(shop: Shop) -> None:
    john = await shop.register()
    token = await shop.reset_token()
    await shop.sessions.logout(await shop.principal(john), "", HOME)
    await shop.resets.reset_password(token, NEW_PASSWORD, HOME)
