"""The attacks that ADR 0023 names, each played against the use cases: what stands against them, and what an owner can still do."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from account.domain import LinkRequested, Purpose
from account.errors import BadCredentials, LinkInvalid, LoginThrottled, ResetThrottled, TooBusy, WrongPassword
from account.session_use_cases import SignedIn
from account.tests.fakes import World
from kit.auth import Principal, Role, SigningKeys, TokenVerifier
from kit.testing import eventually
from kit.values import deadline

EMAIL, PASSWORD, NEW_PASSWORD = "john@example.com", "SecurePass123!", "AnotherPass456!"
HOME, STRANGER = "192.0.2.1", "198.51.100.66"
# What a look-up may drop, trim or fold and a counter may not, or the other way round.
DISGUISES = [
    "john@example.com\0",
    "\0john@example.com",
    "jo\0hn@example.com",
    " john@example.com",
    "john@example.com\n",
    "JOHN@EXAMPLE.COM",
    "john@Example.com",
    "john@\uff45xample.com",
    "john@example\u3002com",
    "john@example.com\u200b",
    "jo\u00adhn@example.com",
    "\ufeffjohn@example.com",
    "\u202ejohn@example.com",
    '"john"@example.com',
    "John <john@example.com>",
]


class Shop(World):
    """The use cases, and John; three wrong passwords for an account from one network, five from one network."""

    def __init__(self, keys: SigningKeys) -> None:
        super().__init__(keys)
        self.verifier = TokenVerifier(keys.public)

    async def john(self, address: str = HOME, email: str = EMAIL) -> SignedIn:
        return await self.accounts.register(
            name="John", email=email, phone="", password=PASSWORD, address=address
        )

    async def login(
        self, password: str = PASSWORD, address: str = HOME, email: str = EMAIL, device_token: str = ""
    ) -> SignedIn:
        return await self.credentials.login(
            email=email, password=password, address=address, device_token=device_token
        )

    async def guess(self, address: str = STRANGER, email: str = EMAIL, **more: str) -> str:
        """What a wrong password comes to."""
        try:
            await self.login("wrong-password", address, email, **more)
        except (BadCredentials, LoginThrottled) as refusal:
            return refusal.reason
        raise AssertionError("a wrong password signed in")

    async def principal(self, signed_in: SignedIn) -> Principal:
        return await self.verifier.verify(signed_in.access_token)

    async def mailed(self) -> str:
        """The token of a fresh link to set a password."""
        await self.links.request_password_reset(EMAIL, HOME)
        return self.last_link(Purpose.PASSWORD_RESET)

    def last_link(self, purpose: Purpose) -> str:
        [*_, link] = [
            fact for fact in self.db.events if isinstance(fact, LinkRequested) and fact.purpose is purpose
        ]
        return link.sealed_token.decode()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    return SigningKeys.generate(Path(tmp_path_factory.mktemp("keys"), "keys.json"))


@pytest.fixture
def shop(keys: SigningKeys) -> Shop:
    return Shop(keys)


@pytest.mark.parametrize("disguise", DISGUISES)
async def test_an_address_in_disguise_gives_no_more_guesses(shop: Shop, disguise: str) -> None:
    await shop.john()
    for _ in range(3):
        assert await shop.guess() == "BAD_CREDENTIALS"
    with pytest.raises((LoginThrottled, BadCredentials)):
        await shop.login(address=STRANGER, email=disguise)


@pytest.mark.parametrize("disguise", DISGUISES)
async def test_an_address_in_disguise_gets_no_more_mails(shop: Shop, disguise: str) -> None:
    await shop.john()
    for address in (HOME, STRANGER):
        for email in (EMAIL, disguise) * 2:
            await shop.links.request_password_reset(email, address)
    assert sum(isinstance(fact, LinkRequested) for fact in shop.db.events) == 3


async def test_sixteen_right_logins_at_once_begin_sixteen_sessions(shop: Shop) -> None:
    await shop.john()
    signed_in = await asyncio.gather(*(shop.login() for _ in range(16)))
    assert len({(await shop.principal(each)).session_id for each in signed_in}) == 16
    assert await shop.login()
    assert not shop.store.guesses


async def test_right_logins_at_once_survive_a_hash_that_becomes_stronger(shop: Shop) -> None:
    account_id = (await shop.john()).account.id
    account, known = shop.store.accounts[account_id]
    shop.store.accounts[account_id] = (account, "old:" + known)
    assert len(await asyncio.gather(*(shop.login() for _ in range(16)))) == 16
    assert shop.store.accounts[account_id] == (account, known)


async def test_of_many_wrong_guesses_at_once_no_more_are_compared_than_one_after_the_other(
    shop: Shop,
) -> None:
    await shop.john()
    outcomes = Counter(await asyncio.gather(*(shop.guess() for _ in range(30))))
    assert outcomes == {"BAD_CREDENTIALS": 3, "LOGIN_THROTTLED": 27}
    assert shop.passwords.compared == 3


async def test_guesses_that_are_refused_lock_nobody_out_for_longer(shop: Shop) -> None:
    await shop.john()
    for _ in range(3):
        await shop.guess(HOME)
    for _ in range(14):
        shop.clock.advance(minutes=1)
        assert await shop.guess(HOME) == "LOGIN_THROTTLED"
    shop.clock.advance(minutes=1, seconds=1)
    assert await shop.login()


async def test_who_hangs_up_gives_their_place_back(shop: Shop) -> None:
    await shop.john()
    comparing, compare = asyncio.Event(), shop.passwords.matches

    async def forever(password: bytes, password_hash: str | None) -> bool:
        comparing.set()
        await asyncio.Event().wait()
        raise AssertionError("never set")

    shop.passwords.matches = forever  # type: ignore[method-assign]
    calls = [asyncio.create_task(shop.login()) for _ in range(3)]
    await comparing.wait()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    shop.passwords.matches = compare  # type: ignore[method-assign]
    assert await shop.login()
    assert not shop.store.guesses


async def test_a_process_that_died_gives_its_places_back(shop: Shop) -> None:
    await shop.john()
    keys = [brake.key for brake in shop.guesses.of_login(EMAIL, HOME)]
    shop.store.guesses = {str(n): (keys, shop.clock.now + timedelta(seconds=15)) for n in range(3)}
    waiting = asyncio.create_task(shop.login())
    await eventually(lambda: shop.throttle.waiting == 1, seconds=10)
    shop.clock.advance(seconds=16)
    assert await waiting


async def test_what_would_wait_longer_than_its_call_may_take_is_busy(shop: Shop) -> None:
    await shop.john()
    never = asyncio.Event()

    async def forever(password: bytes, password_hash: str | None) -> bool:
        await never.wait()
        return True

    shop.passwords.matches = forever  # type: ignore[method-assign]
    calls = [asyncio.create_task(shop.login()) for _ in range(3)]
    await eventually(lambda: len(shop.store.guesses) == 3, seconds=10)
    deadline.set(asyncio.get_running_loop().time() + 0.2)
    with pytest.raises(TooBusy):
        await shop.login()
    never.set()
    assert len(await asyncio.gather(*calls)) == 3


async def test_a_stranger_cannot_lock_the_owner_out(shop: Shop) -> None:
    john = await shop.john()
    for _ in range(20):
        await shop.guess()
    assert await shop.guess() == "LOGIN_THROTTLED"
    assert await shop.login()
    caller = await shop.principal(john)
    changed = await shop.credentials.change_password(
        caller, current=PASSWORD, new=NEW_PASSWORD, address=STRANGER
    )
    await shop.accounts.delete(await shop.principal(changed), NEW_PASSWORD, STRANGER)


async def test_a_stranger_in_the_same_network_cannot_lock_out_a_device_that_signed_in_before(
    shop: Shop,
) -> None:
    registered = await shop.john()
    for number in range(20):
        await shop.guess(HOME)
        await shop.guess(HOME, f"{number}@example.com")
    with pytest.raises(LoginThrottled):
        await shop.login()
    signed_in = await shop.login(device_token=registered.device_token)
    assert signed_in.device_token == registered.device_token
    assert await shop.login(device_token=signed_in.device_token)


async def test_a_devices_token_outlives_sessions_and_passwords(shop: Shop) -> None:
    john = await shop.john()
    await shop.sessions.logout(await shop.principal(john), "", HOME)
    await shop.links.reset_password(await shop.mailed(), NEW_PASSWORD, HOME)
    for _ in range(3):
        await shop.guess(HOME)
    assert await shop.login(NEW_PASSWORD, device_token=john.device_token)


async def test_a_device_is_no_way_around_the_limit(shop: Shop) -> None:
    john = await shop.john()
    device = john.device_token
    for _ in range(3):
        assert await shop.guess(device_token=device) == "BAD_CREDENTIALS"
    assert await shop.guess(device_token=device) == "LOGIN_THROTTLED"
    # Those of others, and made-up ones, count for the network.
    jane = await shop.john(STRANGER, "jane@example.com")
    for token in (jane.device_token, "made up", "\0", jane.refresh_token) * 2:
        await shop.guess(device_token=token)
    assert await shop.guess(device_token="another") == "LOGIN_THROTTLED"


async def test_devices_do_not_grow_without_end(shop: Shop) -> None:
    john = await shop.john()
    for _ in range(30):
        shop.clock.advance(seconds=1)
        await shop.login()
    assert len(await shop.store.devices_of(john.account.id)) == 20


@pytest.mark.parametrize(
    "addresses",
    [
        ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:DB8:1:2:0:0:0:7"],
        ["203.0.113.9", "203.0.113.9:4711", "::ffff:203.0.113.9"],
        ["[2001:db8::1]", "[2001:db8::1]:443", "2001:db8::2%eth0"],
    ],
)
async def test_one_network_has_one_bucket_however_its_addresses_are_written(
    shop: Shop, addresses: list[str]
) -> None:
    # A different account each time, so that only the network's bucket can fill.
    for number, address in enumerate([*addresses, *addresses[:2]]):
        assert await shop.guess(address, f"{number}@example.com") == "BAD_CREDENTIALS"
    for address in addresses:
        assert await shop.guess(address, "another@example.com") == "LOGIN_THROTTLED"


async def test_stuffing_from_one_network_ends_and_other_networks_sign_in(shop: Shop) -> None:
    await shop.john()
    outcomes = [await shop.guess(STRANGER, f"{number}@example.com") for number in range(10)]
    assert outcomes == ["BAD_CREDENTIALS"] * 5 + ["LOGIN_THROTTLED"] * 5
    with pytest.raises(LoginThrottled):
        await shop.login(address=STRANGER)
    assert await shop.login()


async def test_stuffing_from_many_networks_is_not_stopped_and_locks_nobody_out(shop: Shop) -> None:
    await shop.john()
    for number in range(100):
        assert await shop.guess(f"198.18.0.{number}") == "BAD_CREDENTIALS"
    assert await shop.login()


async def test_known_and_unknown_addresses_are_refused_alike(shop: Shop) -> None:
    await shop.john()
    outcomes: list[list[str]] = []
    work: list[int] = []
    for email in (EMAIL, "nobody@example.com", "no address"):
        compared = shop.passwords.compared
        outcomes.append([await shop.guess(f"198.18.1.{len(outcomes)}", email) for _ in range(5)])
        work.append(shop.passwords.compared - compared)
    assert outcomes == [["BAD_CREDENTIALS"] * 3 + ["LOGIN_THROTTLED"] * 2] * 3
    assert work == [3, 3, 3]


async def test_wrong_confirmations_count_for_their_session_alone(shop: Shop) -> None:
    john, other = await shop.john(), await shop.login()
    caller = await shop.principal(john)
    for _ in range(3):
        with pytest.raises(WrongPassword):
            await shop.accounts.delete(caller, "wrong-password", HOME)
    with pytest.raises(LoginThrottled):
        await shop.credentials.change_password(caller, current=PASSWORD, new=NEW_PASSWORD, address=STRANGER)
    assert await shop.login()
    await shop.credentials.change_password(
        await shop.principal(other), current=PASSWORD, new=NEW_PASSWORD, address=HOME
    )


async def test_a_strangers_refused_requests_leave_the_owner_their_mails(shop: Shop) -> None:
    await shop.john()
    for number in range(5):
        await shop.links.request_password_reset(f"{number}@example.com", STRANGER)
    for _ in range(10):
        with pytest.raises(ResetThrottled):
            await shop.links.request_password_reset(EMAIL, STRANGER)
    assert await shop.mailed()


async def test_a_link_forgives_what_was_guessed_on_the_owners_devices_too(shop: Shop) -> None:
    john = await shop.john()
    for _ in range(4):
        await shop.guess(HOME, device_token=john.device_token)
    await shop.links.reset_password(await shop.mailed(), NEW_PASSWORD, HOME)
    assert await shop.login(NEW_PASSWORD, device_token=john.device_token)


async def changed(shop: Shop, john: SignedIn) -> None:
    await shop.credentials.change_password(
        await shop.principal(john), current=PASSWORD, new=NEW_PASSWORD, address=HOME
    )


async def made_admin(shop: Shop, john: SignedIn) -> None:
    await shop.accounts.grant_admin(EMAIL)


async def given_a_role(shop: Shop, john: SignedIn) -> None:
    await shop.john(email="boss@example.com")
    await shop.accounts.grant_admin("boss@example.com")
    boss = await shop.principal(await shop.login(email="boss@example.com"))
    await shop.accounts.set_role(boss, john.account.id, Role.ADMIN, HOME)


async def reset(shop: Shop, john: SignedIn) -> None:
    await shop.links.reset_password(await shop.mailed(), NEW_PASSWORD, HOME)


async def deleted(shop: Shop, john: SignedIn) -> None:
    await shop.accounts.delete(await shop.principal(john), PASSWORD, HOME)
    await shop.john()


async def proven(shop: Shop, john: SignedIn) -> None:
    await shop.links.request_email_verification(await shop.principal(john), HOME)
    await shop.links.verify_email(shop.last_link(Purpose.EMAIL_VERIFICATION), HOME)


@pytest.mark.parametrize("what", [changed, made_admin, given_a_role, reset, deleted, proven])
async def test_what_ends_sessions_and_a_used_link_end_every_mailed_link(shop: Shop, what: Any) -> None:
    john = await shop.john()
    await shop.links.request_email_verification(await shop.principal(john), HOME)
    proof, link = shop.last_link(Purpose.EMAIL_VERIFICATION), await shop.mailed()

    await what(shop, john)

    with pytest.raises(LinkInvalid):
        await shop.links.reset_password(link, "YetAnother789!", HOME)
    with pytest.raises(LinkInvalid):
        await shop.links.verify_email(proof, HOME)


async def test_a_session_that_ends_alone_leaves_links(shop: Shop) -> None:
    john = await shop.john()
    link = await shop.mailed()
    await shop.sessions.logout(await shop.principal(john), "", HOME)
    await shop.links.reset_password(link, NEW_PASSWORD, HOME)
