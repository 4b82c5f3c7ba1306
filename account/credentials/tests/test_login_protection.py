"""The attacks of ADR 0023 on the use cases: how far each gets, and what the owner can still do."""

import asyncio
from collections import Counter
from collections.abc import Hashable
from datetime import timedelta

import pytest

from account.attempts.errors import LoginThrottled, TooBusy
from account.credentials.errors import BadCredentials, WrongPassword
from account.links.errors import ResetThrottled
from account.tests.shop import EMAIL, HOME, NEW_PASSWORD, PASSWORD, STRANGER, Shop, keys, shop
from kit.testing import eventually
from kit.values import deadline

__all__ = ["keys", "shop"]

# Differences that a lookup could ignore while a counter does not, or the other way round.
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


@pytest.mark.parametrize("disguise", DISGUISES)
async def test_a_disguised_address_gets_no_additional_guesses(shop: Shop, disguise: str) -> None:
    await shop.register()
    for _ in range(3):
        assert await shop.guess() == "BAD_CREDENTIALS"
    with pytest.raises((LoginThrottled, BadCredentials)):
        await shop.login(address=STRANGER, email=disguise)


@pytest.mark.parametrize("disguise", DISGUISES)
async def test_a_disguised_address_gets_no_additional_mails(shop: Shop, disguise: str) -> None:
    await shop.register()
    for address in (HOME, STRANGER):
        for email in (EMAIL, disguise) * 2:
            await shop.reset_requests.request_password_reset(email, address)
    assert len(shop.mailed()) == 3


async def test_sixteen_parallel_logins_start_sixteen_sessions(shop: Shop) -> None:
    await shop.register()
    signed_in = await asyncio.gather(*(shop.login() for _ in range(16)))
    assert len({(await shop.principal(result)).session_id for result in signed_in}) == 16
    assert await shop.login()
    assert not shop.store.guesses


async def test_parallel_logins_succeed_while_the_hash_is_replaced(shop: Shop) -> None:
    account_id = (await shop.register()).account.id
    account, password_hash = shop.store.accounts[account_id]
    shop.replace_stored(account, "old:" + password_hash)
    assert len(await asyncio.gather(*(shop.login() for _ in range(16)))) == 16
    assert shop.store.accounts[account_id] == (account, password_hash)


async def test_parallel_guesses_get_no_more_comparisons_than_sequential_ones(shop: Shop) -> None:
    await shop.register()
    outcomes = Counter(await asyncio.gather(*(shop.guess() for _ in range(30))))
    assert outcomes == {"BAD_CREDENTIALS": 3, "LOGIN_THROTTLED": 27}
    assert shop.passwords.comparisons == 3


async def test_throttled_guesses_do_not_extend_the_window(shop: Shop) -> None:
    await shop.register()
    for _ in range(3):
        await shop.guess(HOME)
    for _ in range(14):
        shop.clock.advance(minutes=1)
        assert await shop.guess(HOME) == "LOGIN_THROTTLED"
    shop.clock.advance(minutes=1, seconds=1)
    assert await shop.login()


async def test_a_client_that_disconnects_frees_its_place(shop: Shop) -> None:
    await shop.register()
    comparing, compare = asyncio.Event(), shop.passwords.matches

    async def never_finish(password: bytes, password_hash: str | None, subject: Hashable) -> bool:
        comparing.set()
        await asyncio.Event().wait()
        raise AssertionError("never set")

    shop.passwords.matches = never_finish  # type: ignore[method-assign]
    calls = [asyncio.create_task(shop.login()) for _ in range(3)]
    await comparing.wait()
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    shop.passwords.matches = compare  # type: ignore[method-assign]
    assert await shop.login()
    assert not shop.store.guesses


async def test_the_places_of_a_crashed_replica_expire(shop: Shop) -> None:
    await shop.register()
    keys = [limit.key for limit in shop.guesses.limits.of_login(EMAIL, HOME)]
    shop.store.guesses = {str(n): (keys, shop.clock.now + timedelta(seconds=15)) for n in range(3)}
    waiting = asyncio.create_task(shop.login())
    await eventually(lambda: shop.throttle.waiting == 1, seconds=10)
    shop.clock.advance(seconds=16)
    assert await waiting


async def test_a_login_that_would_miss_its_deadline_in_line_is_rejected_as_busy(shop: Shop) -> None:
    await shop.register()
    gate = asyncio.Event()

    async def wait(password: bytes, password_hash: str | None, subject: Hashable) -> bool:
        await gate.wait()
        return True

    shop.passwords.matches = wait  # type: ignore[method-assign]
    calls = [asyncio.create_task(shop.login()) for _ in range(3)]
    await eventually(lambda: len(shop.store.guesses) == 3, seconds=10)
    deadline.set(asyncio.get_running_loop().time() + 0.2)
    with pytest.raises(TooBusy):
        await shop.login()
    gate.set()
    assert len(await asyncio.gather(*calls)) == 3


async def test_a_stranger_cannot_lock_the_owner_out(shop: Shop) -> None:
    john = await shop.register()
    for _ in range(20):
        await shop.guess()
    assert await shop.guess() == "LOGIN_THROTTLED"
    assert await shop.login()
    changed = await shop.change_password(john, STRANGER)
    await shop.deletions.delete(await shop.principal(changed), NEW_PASSWORD, STRANGER)


async def test_a_stranger_in_the_same_network_cannot_lock_out_a_known_device(shop: Shop) -> None:
    registered = await shop.register()
    for number in range(20):
        await shop.guess(HOME)
        await shop.guess(HOME, f"{number}@example.com")
    with pytest.raises(LoginThrottled):
        await shop.login()
    signed_in = await shop.login(device_token=registered.device_token)
    assert signed_in.device_token == registered.device_token
    assert await shop.login(device_token=signed_in.device_token)


async def test_a_device_token_outlives_sessions_and_passwords(shop: Shop) -> None:
    john = await shop.register()
    await shop.sessions.logout(await shop.principal(john), "", HOME)
    await shop.resets.reset_password(await shop.reset_token(), NEW_PASSWORD, HOME)
    for _ in range(3):
        await shop.guess(HOME)
    assert await shop.login(NEW_PASSWORD, device_token=john.device_token)


async def test_a_device_token_does_not_bypass_the_limits(shop: Shop) -> None:
    john = await shop.register()
    device = john.device_token
    for _ in range(3):
        assert await shop.guess(device_token=device) == "BAD_CREDENTIALS"
    assert await shop.guess(device_token=device) == "LOGIN_THROTTLED"
    # Tokens of other accounts and made-up ones count for the network.
    jane = await shop.register(address=STRANGER, email="jane@example.com")
    for token in (jane.device_token, "made up", "\0", jane.refresh_token) * 2:
        await shop.guess(device_token=token)
    assert await shop.guess(device_token="another") == "LOGIN_THROTTLED"


async def test_the_number_of_devices_is_limited(shop: Shop) -> None:
    john = await shop.register()
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
async def test_a_network_has_one_bucket_for_every_notation_of_its_addresses(
    shop: Shop, addresses: list[str]
) -> None:
    # A different account each time, so that only the network's bucket fills.
    for number, address in enumerate([*addresses, *addresses[:2]]):
        assert await shop.guess(address, f"{number}@example.com") == "BAD_CREDENTIALS"
    for address in addresses:
        assert await shop.guess(address, "another@example.com") == "LOGIN_THROTTLED"


async def test_credential_stuffing_from_one_network_is_throttled_for_that_network(shop: Shop) -> None:
    await shop.register()
    outcomes = [await shop.guess(STRANGER, f"{number}@example.com") for number in range(10)]
    assert outcomes == ["BAD_CREDENTIALS"] * 5 + ["LOGIN_THROTTLED"] * 5
    with pytest.raises(LoginThrottled):
        await shop.login(address=STRANGER)
    assert await shop.login()


async def test_credential_stuffing_from_many_networks_is_not_throttled_and_locks_no_owner_out(
    shop: Shop,
) -> None:
    await shop.register()
    for number in range(100):
        assert await shop.guess(f"198.18.0.{number}") == "BAD_CREDENTIALS"
    assert await shop.login()


async def test_known_and_unknown_addresses_are_rejected_alike(shop: Shop) -> None:
    await shop.register()
    outcomes: list[list[str]] = []
    comparisons: list[int] = []
    for email in (EMAIL, "unknown@example.com", "no address"):
        before = shop.passwords.comparisons
        outcomes.append([await shop.guess(f"198.18.1.{len(outcomes)}", email) for _ in range(5)])
        comparisons.append(shop.passwords.comparisons - before)
    assert outcomes == [["BAD_CREDENTIALS"] * 3 + ["LOGIN_THROTTLED"] * 2] * 3
    assert comparisons == [3, 3, 3]


async def test_wrong_confirmations_count_only_for_their_session(shop: Shop) -> None:
    john, other = await shop.register(), await shop.login()
    caller = await shop.principal(john)
    for _ in range(3):
        with pytest.raises(WrongPassword):
            await shop.deletions.delete(caller, "wrong-password", HOME)
    with pytest.raises(LoginThrottled):
        await shop.change_password(john, STRANGER)
    assert await shop.login(PASSWORD)
    await shop.change_password(other)


async def test_throttled_reset_requests_do_not_use_up_the_owners_mails(shop: Shop) -> None:
    await shop.register()
    for number in range(5):
        await shop.reset_requests.request_password_reset(f"{number}@example.com", STRANGER)
    for _ in range(10):
        with pytest.raises(ResetThrottled):
            await shop.reset_requests.request_password_reset(EMAIL, STRANGER)
    assert await shop.reset_token()


async def test_a_password_reset_also_resets_the_limits_of_the_owners_devices(shop: Shop) -> None:
    john = await shop.register()
    for _ in range(4):
        await shop.guess(HOME, device_token=john.device_token)
    await shop.resets.reset_password(await shop.reset_token(), NEW_PASSWORD, HOME)
    assert await shop.login(NEW_PASSWORD, device_token=john.device_token)
