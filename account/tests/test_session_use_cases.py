"""Sessions live on refresh tokens and end for good, which is told each time; passwords and links. With fakes, in no time."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from account.domain import AccountUpdated, LinkRequested, Purpose
from account.errors import (
    BadCredentials,
    LinkInvalid,
    LoginThrottled,
    RefreshExpired,
    RegisterThrottled,
    ResetThrottled,
    TokenEnded,
)
from account.session_domain import SessionEnded
from account.session_use_cases import SignedIn
from account.tests.fakes import World
from kit.auth import MAX_LIFETIME, Principal, SigningKeys, TokenVerifier

PASSWORD, NEW_PASSWORD, ADDRESS = "SecurePass123!", "AnotherPass456!", "1.2.3.4"


class Shop(World):
    """The use cases, and John."""

    def __init__(self, keys: SigningKeys) -> None:
        super().__init__(keys)
        self.verifier = TokenVerifier(keys.public)

    async def john(self) -> SignedIn:
        return await self.accounts.register(
            name="John", email="john@example.com", phone="", password=PASSWORD, address=ADDRESS
        )

    async def login(self, password: str = PASSWORD) -> SignedIn:
        return await self.credentials.login(email="john@example.com", password=password, address=ADDRESS)

    async def refresh(self, signed_in: SignedIn) -> SignedIn:
        return await self.sessions.refresh(signed_in.refresh_token, ADDRESS)

    async def principal(self, signed_in: SignedIn) -> Principal:
        return await self.verifier.verify(signed_in.access_token)

    def ended(self) -> list[SessionEnded]:
        return [fact for fact in self.db.events if isinstance(fact, SessionEnded)]

    def mailed(self) -> list[LinkRequested]:
        return [fact for fact in self.db.events if isinstance(fact, LinkRequested)]

    def actions(self) -> list[str]:
        return [each.event.action for each in self.store.audits]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> SigningKeys:
    return SigningKeys.generate(Path(tmp_path_factory.mktemp("keys"), "keys.json"))


@pytest.fixture
def shop(keys: SigningKeys) -> Shop:
    return Shop(keys)


async def test_a_session_lives_as_long_as_somebody_uses_it_and_no_longer_than_it_may(shop: Shop) -> None:
    signed_in = await shop.john()
    for _ in range(6):
        shop.clock.advance(days=13)
        signed_in = await shop.refresh(signed_in)
    shop.clock.advance(days=13)
    with pytest.raises(TokenEnded):
        await shop.refresh(signed_in)
    assert not shop.ended()


async def test_a_session_that_nobody_uses_ends(shop: Shop) -> None:
    signed_in = await shop.john()
    shop.clock.advance(days=14)
    with pytest.raises(RefreshExpired):
        await shop.refresh(signed_in)


async def test_a_lost_answer_and_a_second_tab_go_on_with_the_same_token(shop: Shop) -> None:
    first = await shop.john()
    tabs = [await shop.refresh(first), await shop.refresh(first)]
    shop.clock.advance(minutes=20)

    newer = [await shop.refresh(tab) for tab in tabs]

    assert len({each.refresh_token for each in (first, *tabs, *newer)}) == 3
    assert len({each.refresh_token_expire_time for each in tabs}) == 1
    assert len(shop.store.sessions) == 1
    assert not shop.ended()


async def test_six_parallel_uses_leave_one_living_branch(shop: Shop) -> None:
    first = await shop.john()
    [token] = {each.refresh_token for each in await asyncio.gather(*(shop.refresh(first) for _ in range(6)))}
    assert len([each for each in shop.store.refreshes.values() if each[2] is None]) == 1

    shop.clock.advance(seconds=11)
    newer = await shop.sessions.refresh(token, ADDRESS)
    with pytest.raises(TokenEnded):
        await shop.refresh(first)
    with pytest.raises(TokenEnded):
        await shop.refresh(newer)


async def test_a_repeat_after_its_successor_was_used_ends_the_family_within_seconds_too(shop: Shop) -> None:
    first = await shop.john()
    second = await shop.refresh(first)
    await shop.refresh(second)
    with pytest.raises(TokenEnded):
        await shop.refresh(first)
    assert len(shop.ended()) == 1


async def test_no_access_token_outlives_its_session(shop: Shop) -> None:
    signed_in = await shop.john()
    end = shop.store.sessions[(await shop.principal(signed_in)).session_id].expire_time
    for _ in range(6):
        shop.clock.advance(days=13)
        signed_in = await shop.refresh(signed_in)
    shop.clock.now = end - timedelta(minutes=3)
    signed_in = await shop.refresh(signed_in)
    assert signed_in.access_token_expire_time == end.replace(microsecond=0)
    assert (await shop.refresh(signed_in)).access_token_expire_time == end.replace(microsecond=0)


async def test_a_token_before_the_previous_one_ends_its_session_at_once(shop: Shop) -> None:
    first = await shop.john()
    second = await shop.refresh(first)
    third = await shop.refresh(second)

    with pytest.raises(TokenEnded):
        await shop.refresh(first)
    with pytest.raises(TokenEnded):
        await shop.refresh(third)

    principal = await shop.principal(first)
    [told] = shop.ended()
    assert told == SessionEnded(principal.session_id, principal.account_id, shop.clock.now + MAX_LIFETIME)
    assert shop.actions()[-1] == "account.refresh_token_reused"
    with pytest.raises(TokenEnded):
        await shop.sessions.current_role(principal)


async def test_other_sessions_outlive_a_stolen_token(shop: Shop) -> None:
    stolen, other = await shop.john(), await shop.login()
    await shop.refresh(stolen)
    shop.clock.advance(seconds=11)
    with pytest.raises(TokenEnded):
        await shop.refresh(stolen)
    await shop.refresh(other)


async def test_a_refreshed_token_tells_the_role_of_now(shop: Shop) -> None:
    await shop.john()
    await shop.accounts.grant_admin("john@example.com")
    signed_in = await shop.login()
    assert (await shop.principal(await shop.refresh(signed_in))).is_admin


async def test_logging_out_twice_is_told_once(shop: Shop) -> None:
    signed_in = await shop.john()
    principal = await shop.principal(signed_in)
    for _ in range(2):
        await shop.sessions.logout(principal, "", ADDRESS)
        await shop.sessions.logout(None, signed_in.refresh_token, ADDRESS)
    assert len(shop.ended()) == 1
    assert shop.actions().count("account.logout") == 1


async def test_a_changed_password_ends_every_session_and_tells_each(shop: Shop) -> None:
    signed_in, other = await shop.john(), await shop.login()
    before = {(await shop.principal(each)).session_id for each in (signed_in, other)}

    new = await shop.credentials.change_password(
        await shop.principal(signed_in), current=PASSWORD, new=NEW_PASSWORD, address=ADDRESS
    )

    assert {fact.session_id for fact in shop.ended()} == before
    assert await shop.sessions.current_role(await shop.principal(new))
    await shop.login(NEW_PASSWORD)


async def test_a_password_that_changes_while_it_is_compared_signs_nobody_in(shop: Shop) -> None:
    await shop.john()
    compare = shop.passwords.matches

    async def slowly(password: bytes, password_hash: str | None) -> bool:
        same = await compare(password, password_hash)
        [account] = [account for account, _ in shop.store.accounts.values()]
        shop.store.accounts[account.id] = (account, "another")
        return same

    shop.passwords.matches = slowly  # type: ignore[method-assign]
    with pytest.raises(BadCredentials):
        await shop.login()


async def test_a_hash_from_when_it_cost_less_is_made_anew_at_the_next_login(shop: Shop) -> None:
    [account_id] = [(await shop.john()).account.id]
    account, known = shop.store.accounts[account_id]
    shop.store.accounts[account_id] = (account, "old:" + known)

    await shop.login()

    assert shop.store.accounts[account_id] == (account, known)


async def test_a_link_is_sealed_single_use_and_short_lived(shop: Shop) -> None:
    await shop.john()
    await shop.links.request_password_reset("JOHN@example.com ", ADDRESS)
    [link] = shop.mailed()
    assert (link.purpose, link.expire_time) == (Purpose.PASSWORD_RESET, shop.clock.now + timedelta(hours=1))
    assert link.sealed_token not in shop.store.links

    shop.clock.advance(hours=1)
    with pytest.raises(LinkInvalid):
        await shop.links.reset_password(link.sealed_token.decode(), NEW_PASSWORD, ADDRESS)


async def test_the_last_link_mailed_is_the_one_that_counts(shop: Shop) -> None:
    await shop.john()
    for _ in range(2):
        await shop.links.request_password_reset("john@example.com", ADDRESS)
    first, second = (link.sealed_token.decode() for link in shop.mailed())
    with pytest.raises(LinkInvalid):
        await shop.links.reset_password(first, NEW_PASSWORD, ADDRESS)
    await shop.links.reset_password(second, NEW_PASSWORD, ADDRESS)


async def test_tokens_that_somebody_makes_up_cost_no_hash(shop: Shop) -> None:
    await shop.john()
    hashed = shop.passwords.hashed
    with pytest.raises(LinkInvalid):
        await shop.links.reset_password("made up", NEW_PASSWORD, ADDRESS)
    assert shop.passwords.hashed == hashed


async def test_a_reset_password_proves_the_address_and_forgives_who_guessed(shop: Shop) -> None:
    await shop.john()
    for _ in range(3):
        with pytest.raises(BadCredentials):
            await shop.login("guess")
    with pytest.raises(LoginThrottled):
        await shop.login()
    await shop.links.request_password_reset("john@example.com", ADDRESS)
    await shop.links.reset_password(shop.mailed()[0].sealed_token.decode(), NEW_PASSWORD, ADDRESS)

    assert (await shop.login(NEW_PASSWORD)).account.email_verified
    assert any(isinstance(fact, AccountUpdated) for fact in shop.db.events)


async def test_nobody_is_mailed_without_end(shop: Shop) -> None:
    await shop.john()
    for _ in range(5):
        await shop.links.request_password_reset("john@example.com", ADDRESS)
    assert len(shop.mailed()) == 3
    with pytest.raises(ResetThrottled):
        await shop.links.request_password_reset("jane@example.com", ADDRESS)


async def test_accounts_are_not_made_without_end_from_one_address(shop: Shop) -> None:
    for number in range(100):
        await shop.accounts.register(
            name="J", email=f"j{number}@example.com", phone="", password=PASSWORD, address=ADDRESS
        )
    with pytest.raises(RegisterThrottled) as refusal:
        await shop.john()
    assert refusal.value.details == {"retry_after": 15 * 60}


async def test_security_events_are_kept(shop: Shop) -> None:
    signed_in = await shop.john()
    with pytest.raises(BadCredentials):
        await shop.login("guess")
    with pytest.raises(BadCredentials):
        await shop.credentials.login(email="nobody@example.com", password="x", address=ADDRESS)
    await shop.login()
    await shop.sessions.logout(await shop.principal(signed_in), "", ADDRESS)

    assert shop.actions() == [
        "account.register",
        "account.login_refused",
        "account.login_refused",
        "account.login",
        "account.logout",
    ]
    assert [each.event.subject_id is None for each in shop.store.audits] == [False, False, True, False, False]
