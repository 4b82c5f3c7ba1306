"""Registering, signing in and changing passwords, on fakes."""

from collections.abc import Hashable

import pytest

from account.accounts.domain import AccountRegistered
from account.accounts.errors import EmailTaken
from account.attempts.errors import LoginThrottled, TooBusy
from account.credentials.errors import BadCredentials, RegisterThrottled
from account.tests.shop import EMAIL, HOME, NEW_PASSWORD, PASSWORD, Shop, keys, shop
from kit.auth import Role
from kit.errors import InvalidArgument

__all__ = ["keys", "shop"]


async def test_registering_creates_a_user_and_starts_a_session(shop: Shop) -> None:
    signed_in = await shop.register(email=" John@Example.COM ")
    assert (signed_in.account.email, signed_in.account.role) == (EMAIL, Role.USER)
    assert (await shop.principal(signed_in)).account_id == signed_in.account.id
    assert shop.db.events == [AccountRegistered(signed_in.account)]


async def test_registering_a_taken_address_fails_and_emits_no_event(shop: Shop) -> None:
    await shop.register()
    with pytest.raises(EmailTaken):
        await shop.register(email="JOHN@example.com")
    assert len(shop.db.events) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "\u3164"}, "name"),
        ({"name": "John\u202e"}, "name"),
        ({"name": "Win at www.example"}, "name"),
        ({"name": "evil.com"}, "name"),
        ({"email": "john"}, "email"),
        ({"email": ""}, "email"),
        ({"phone": "123"}, "phone"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 73}, "password"),
        ({"password": "\u20ac" * 25}, "password"),
        ({"password": "nul\0inside"}, "password"),
        ({"password": "Password"}, "password"),
        ({"password": "1234567890"}, "password"),
    ],
)
async def test_an_invalid_field_is_named(shop: Shop, changes: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidArgument) as error:
        await shop.register(**changes)
    assert [violation.path for violation in error.value.fields] == [(field,)]
    assert not shop.store.accounts


async def test_every_invalid_field_is_named_at_once(shop: Shop) -> None:
    with pytest.raises(InvalidArgument) as error:
        await shop.register(name="", email="x", phone="y", password="z")
    assert {violation.path[0] for violation in error.value.fields} == {"name", "email", "phone", "password"}


async def test_registrations_from_one_network_are_limited(shop: Shop) -> None:
    for number in range(100):
        await shop.register(email=f"j{number}@example.com")
    with pytest.raises(RegisterThrottled) as error:
        await shop.register()
    assert error.value.details == {"retry_after": 15 * 60}


async def test_a_password_is_compared_byte_for_byte(shop: Shop) -> None:
    await shop.register(password="  spaced out  ")
    await shop.login("  spaced out  ")
    with pytest.raises(BadCredentials):
        await shop.login("spaced out")


async def test_each_login_starts_another_session(shop: Shop) -> None:
    first = await shop.register()
    second = await shop.login(email="JOHN@example.com ")
    assert (await shop.principal(first)).session_id != (await shop.principal(second)).session_id


async def test_an_unknown_address_and_a_wrong_password_get_the_same_response(shop: Shop) -> None:
    await shop.register()
    errors = set()
    for email in (EMAIL, "unknown@example.com"):
        with pytest.raises(BadCredentials) as error:
            await shop.login("wrong-password", email=email)
        errors.add((error.value.message, error.value.reason))
    assert len(errors) == 1
    # An unknown address costs a comparison too.
    assert shop.passwords.comparisons == 2


async def test_wrong_passwords_throttle_an_account_until_their_window_ends(shop: Shop) -> None:
    await shop.register()
    for _ in range(3):
        with pytest.raises(BadCredentials):
            await shop.login("wrong-password")
    with pytest.raises(LoginThrottled) as error:
        await shop.login()
    assert error.value.details == {"retry_after": 15 * 60}
    shop.clock.advance(minutes=16)
    await shop.login()


async def test_wrong_passwords_for_many_accounts_throttle_a_network(shop: Shop) -> None:
    for number in range(5):
        with pytest.raises(BadCredentials):
            await shop.login(email=f"unknown{number}@example.com")
    with pytest.raises(LoginThrottled):
        await shop.login(email="another@example.com")


async def test_calls_rejected_as_busy_do_not_count(shop: Shop) -> None:
    await shop.register()
    before = dict(shop.store.attempts)
    shop.passwords.busy = True
    for _ in range(20):
        with pytest.raises(TooBusy):
            await shop.login()
        with pytest.raises(TooBusy):
            await shop.register()
    shop.passwords.busy = False
    assert {key: shop.store.attempts[key] for key in before} == before
    await shop.login()


async def test_successful_logins_do_not_count(shop: Shop) -> None:
    await shop.register()
    for _ in range(10):
        await shop.login()
    counts = {row[0] for key, row in shop.store.attempts.items() if not key.startswith("register")}
    assert counts == {0}
    assert not shop.store.guesses


async def test_changing_the_password_revokes_every_session(shop: Shop) -> None:
    signed_in, other = await shop.register(), await shop.login()
    before = {(await shop.principal(result)).session_id for result in (signed_in, other)}

    changed = await shop.change_password(signed_in)

    assert {event.session_id for event in shop.revoked()} == before
    assert await shop.sessions.current_role(await shop.principal(changed))
    await shop.login(NEW_PASSWORD)


async def test_a_login_fails_if_the_password_changes_during_the_comparison(shop: Shop) -> None:
    await shop.register()
    compare = shop.passwords.matches

    async def compare_and_change(password: bytes, password_hash: str | None, subject: Hashable) -> bool:
        same = await compare(password, password_hash, subject)
        [account] = [account for account, _ in shop.store.accounts.values()]
        shop.replace_stored(account, "another")
        return same

    shop.passwords.matches = compare_and_change  # type: ignore[method-assign]
    with pytest.raises(BadCredentials):
        await shop.login()


async def test_a_login_replaces_a_hash_of_a_lower_cost(shop: Shop) -> None:
    account_id = (await shop.register()).account.id
    account, password_hash = shop.store.accounts[account_id]
    shop.replace_stored(account, "old:" + password_hash)

    await shop.login()

    assert shop.store.accounts[account_id] == (account, password_hash)


async def test_security_events_are_audited(shop: Shop) -> None:
    signed_in = await shop.register()
    with pytest.raises(BadCredentials):
        await shop.login("guess")
    with pytest.raises(BadCredentials):
        await shop.login("x", email="unknown@example.com")
    await shop.login(PASSWORD)
    await shop.sessions.logout(await shop.principal(signed_in), "", HOME)

    assert shop.actions() == [
        "account.register",
        "account.login_refused",
        "account.login_refused",
        "account.login",
        "account.logout",
    ]
    without_subject = [record.event.subject_id is None for record in shop.store.audits]
    assert without_subject == [False, False, True, False, False]
