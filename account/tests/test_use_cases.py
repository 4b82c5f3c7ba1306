"""What people can do with accounts, and what they are refused."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from account.domain import AccountDeleted, AccountRegistered, AccountUpdated, Profile
from account.errors import (
    AccountNotFound,
    BadCredentials,
    EmailTaken,
    LastAdmin,
    LoginThrottled,
    TokenEnded,
    TooBusy,
    WrongPassword,
)
from account.session_domain import SessionEnded
from account.session_use_cases import SignedIn
from account.tests.fakes import World
from kit.auth import Principal, Role, SigningKeys, TokenVerifier
from kit.errors import FailedPrecondition, InvalidArgument
from kit.values import ACCOUNT

JOHN = {
    "name": "John Doe",
    "email": "john@example.com",
    "phone": "",
    "password": "SecurePass123!",
    "address": "1.2.3.4",
}


class Shop(World):
    """The use cases, and John."""

    def __init__(self, keys: SigningKeys) -> None:
        super().__init__(keys)
        self.verifier = TokenVerifier(keys.public)

    async def register(self, **changes: str) -> SignedIn:
        return await self.accounts.register(**{**JOHN, **changes})

    async def login(
        self, email: str = JOHN["email"], password: str = JOHN["password"], address: str = "1.2.3.4"
    ) -> SignedIn:
        return await self.credentials.login(email=email, password=password, address=address)

    async def principal(self, signed_in: SignedIn) -> Principal:
        return await self.verifier.verify(signed_in.access_token)


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    return SigningKeys.generate(Path(tmp_path_factory.mktemp("keys"), "keys.json"))


@pytest.fixture
def shop(keys: SigningKeys) -> Shop:
    return Shop(keys)


async def test_registering_makes_a_user_and_signs_them_in(shop: Shop) -> None:
    signed_in = await shop.register(email=" John@Example.COM ")
    assert (signed_in.account.email, signed_in.account.role) == ("john@example.com", Role.USER)
    assert (await shop.principal(signed_in)).account_id == signed_in.account.id
    assert shop.db.events == [AccountRegistered(signed_in.account)]


async def test_the_refresh_token_is_stored_hashed(shop: Shop) -> None:
    signed_in = await shop.register()
    assert hashlib.sha256(signed_in.refresh_token.encode()).digest() in shop.store.refreshes


async def test_a_taken_address_is_refused_and_nothing_is_told(shop: Shop) -> None:
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
async def test_a_bad_field_is_named(shop: Shop, changes: dict[str, str], field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await shop.register(**changes)
    assert [violation.path for violation in caught.value.fields] == [(field,)]
    assert not shop.store.accounts


async def test_every_bad_field_is_named_at_once(shop: Shop) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await shop.register(name="", email="x", phone="y", password="z")
    assert {violation.path[0] for violation in caught.value.fields} == {"name", "email", "phone", "password"}


async def test_a_password_is_taken_byte_for_byte(shop: Shop) -> None:
    await shop.register(password="  spaced out  ")
    await shop.login(password="  spaced out  ")
    with pytest.raises(BadCredentials):
        await shop.login(password="spaced out")


async def test_login_begins_another_session(shop: Shop) -> None:
    first = await shop.register()
    second = await shop.login(email="JOHN@example.com ")
    assert (await shop.principal(first)).session_id != (await shop.principal(second)).session_id


async def test_an_unknown_address_and_a_wrong_password_are_answered_alike(shop: Shop) -> None:
    await shop.register()
    messages = set()
    for email in ("john@example.com", "nobody@example.com"):
        with pytest.raises(BadCredentials) as caught:
            await shop.login(email=email, password="wrong-password")
        messages.add((caught.value.message, caught.value.reason))
    assert len(messages) == 1
    # As many comparisons for an address that nobody has.
    assert shop.passwords.compared == 2


async def test_failures_throttle_an_account_until_their_window_ends(shop: Shop) -> None:
    await shop.register()
    for _ in range(3):
        with pytest.raises(BadCredentials):
            await shop.login(password="wrong-password")
    with pytest.raises(LoginThrottled) as caught:
        await shop.login()
    assert caught.value.details == {"retry_after": 15 * 60}
    shop.clock.advance(minutes=16)
    await shop.login()


async def test_failures_throttle_an_address_over_many_accounts(shop: Shop) -> None:
    for number in range(5):
        with pytest.raises(BadCredentials):
            await shop.login(email=f"nobody{number}@example.com")
    with pytest.raises(LoginThrottled):
        await shop.login(email="another@example.com")


async def test_who_was_not_served_in_a_storm_is_not_locked_out_after_it(shop: Shop) -> None:
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


async def test_success_gives_the_attempt_back(shop: Shop) -> None:
    await shop.register()
    for _ in range(10):
        await shop.login()
    assert {shop.store.attempts[key][0] for key in shop.store.attempts if not key.startswith("register")} == {
        0
    }
    assert not shop.store.guesses


async def test_an_account_is_shown_to_its_owner_and_to_an_admin(shop: Shop) -> None:
    john = await shop.register()
    jane = await shop.register(email="jane@example.com")
    mine, hers = await shop.principal(john), await shop.principal(jane)
    assert await shop.accounts.get(john.account.id, mine) == john.account
    with pytest.raises(AccountNotFound):
        await shop.accounts.get(john.account.id, hers)
    admin = Principal(hers.account_id, Role.ADMIN, hers.session_id)
    found = await shop.accounts.get_many([john.account.id, jane.account.id, ACCOUNT.new()], admin)
    assert [account.email for account in found] == ["john@example.com", "jane@example.com"]


async def test_granting_admin_ends_every_session_and_leaves_a_trace(shop: Shop) -> None:
    john = await shop.register()
    principal = await shop.principal(john)
    assert await shop.sessions.current_role(principal) is Role.USER
    granted = await shop.accounts.grant_admin("John@example.com")
    assert granted.role is Role.ADMIN
    with pytest.raises(TokenEnded):
        await shop.sessions.current_role(principal)
    assert shop.db.events[-1] == AccountUpdated(granted)
    assert [each.event.action for each in shop.store.audits] == ["account.register", "account.grant_admin"]
    again = await shop.principal(await shop.login())
    assert (again.role, await shop.sessions.current_role(again)) == (Role.ADMIN, Role.ADMIN)


async def test_granting_admin_again_changes_nothing(shop: Shop) -> None:
    await shop.register()
    await shop.accounts.grant_admin("john@example.com")
    facts = len(shop.db.events)
    await shop.accounts.grant_admin("john@example.com")
    assert len(shop.db.events) == facts


async def test_admin_is_granted_to_known_addresses_only(shop: Shop) -> None:
    with pytest.raises(AccountNotFound):
        await shop.accounts.grant_admin("nobody@example.com")


async def test_a_deleted_account_leaves_ids_only(shop: Shop) -> None:
    john = await shop.register()
    caller = await shop.principal(john)
    with pytest.raises(BadCredentials):
        await shop.login(password="wrong-password")

    await shop.accounts.delete(caller, JOHN["password"], "1.2.3.4")

    assert shop.orders.closed == [john.account.id]
    assert not shop.store.accounts
    assert {each.event.address for each in shop.store.audits} == {""}
    assert shop.store.audits[-1].event.action == "account.delete"
    ended, deleted = shop.db.events[-2:]
    assert isinstance(ended, SessionEnded)
    assert deleted == AccountDeleted(john.account.id, shop.clock.now)


async def test_orders_are_asked_only_once_it_is_the_owner_who_deletes(shop: Shop) -> None:
    john = await shop.register()
    with pytest.raises(WrongPassword):
        await shop.accounts.delete(await shop.principal(john), "wrong-password", "1.2.3.4")
    assert not shop.orders.closed


async def test_a_deletion_that_orders_stand_in_the_way_of_changes_nothing(shop: Shop) -> None:
    john = await shop.register()
    shop.orders.refuses = FailedPrecondition("open", reason="ORDERS_OPEN")
    facts = len(shop.db.events)
    with pytest.raises(FailedPrecondition):
        await shop.accounts.delete(await shop.principal(john), JOHN["password"], "1.2.3.4")
    assert len(shop.db.events) == facts
    assert await shop.login()


async def test_one_of_two_admins_may_go(shop: Shop) -> None:
    for email in (JOHN["email"], "jane@example.com"):
        await shop.register(email=email)
        await shop.accounts.grant_admin(email)
    john, jane = await shop.login(), await shop.login(email="jane@example.com")
    caller = await shop.principal(john)
    changed = await shop.accounts.set_role(caller, jane.account.id, Role.USER, "1.2.3.4")
    assert changed.role is Role.USER
    with pytest.raises(LastAdmin):
        await shop.accounts.set_role(caller, john.account.id, Role.USER, "1.2.3.4")


@pytest.mark.parametrize("name", ["\u3164", "evil.com", "John\u2028Doe"])
async def test_a_profile_gets_no_name_that_hides_something_and_keeps_one_from_before(
    shop: Shop, name: str
) -> None:
    john = await shop.register()
    with pytest.raises(InvalidArgument):
        Profile.read(name=name, phone=None)
    account, password_hash = shop.store.accounts[john.account.id]
    shop.store.accounts[john.account.id] = (replace(account, name=name), password_hash)
    profile = Profile.read(name=None, phone="+41441234567")
    changed = await shop.accounts.update_profile(await shop.principal(john), profile, "1.2.3.4")
    assert (changed.name, changed.phone) == (name, "+41441234567")


async def test_a_profile_that_stays_the_same_tells_nothing(shop: Shop) -> None:
    john = await shop.register()
    caller, facts = await shop.principal(john), len(shop.db.events)
    for profile in (Profile(None, None), Profile(john.account.name, "")):
        assert await shop.accounts.update_profile(caller, profile, "1.2.3.4") == john.account
    assert len(shop.db.events) == facts
    changed = await shop.accounts.update_profile(caller, Profile("Jane", None), "1.2.3.4")
    assert shop.db.events[-1] == AccountUpdated(changed)
