"""Guests on fakes: starting, contact, registering, merging and expiry."""

from dataclasses import replace
from datetime import timedelta

import pytest

from account.accounts.domain import AccountDeleted, AccountRegistered, ContactDetails
from account.accounts.errors import AccountNotFound, EmailTaken
from account.credentials.errors import BadCredentials
from account.guests.domain import GuestContactSet, GuestMerged, OrderState, OrderSummary
from account.guests.errors import GuestOnly, GuestThrottled
from account.sessions.domain import AuthResult
from account.sessions.errors import SessionRevoked
from account.tests.shop import EMAIL, HOME, PASSWORD, STRANGER, Shop, keys, shop
from kit.auth import NotForGuests, Principal, Role
from kit.errors import Unauthenticated

__all__ = ["keys", "shop"]

CONTACT = ContactDetails("Jane", "jane@example.com", "")


async def guest_of(shop: Shop) -> tuple[AuthResult, Principal]:
    started = await shop.guest_starts.start(HOME)
    return started, await shop.principal(started)


async def merge(shop: Shop, caller: Principal, token: str) -> None:
    await shop.guest_merges.merge(caller, token, shop.guest_verifier(), HOME)


async def test_a_guest_has_a_session_and_nothing_is_published_or_audited(shop: Shop) -> None:
    started, guest = await guest_of(shop)

    assert guest.guest
    assert (started.account.name, started.account.email, started.device_token) == ("", "", "")
    assert (await shop.refresh(started)).account.guest
    assert (shop.db.events, shop.actions()) == ([], [])


async def test_new_guests_of_a_network_are_limited(shop: Shop) -> None:
    for _ in range(20):
        await shop.guest_starts.start(HOME)
    with pytest.raises(GuestThrottled):
        await shop.guest_starts.start(HOME)
    assert (await shop.guest_starts.start(STRANGER)).account.guest


async def test_the_next_token_of_a_guest_with_a_contact_says_so(shop: Shop) -> None:
    started, guest = await guest_of(shop)
    await shop.guest_contacts.set_contact(guest, CONTACT)
    refreshed = await shop.principal(await shop.refresh(started))
    account = await shop.principal(await shop.register())

    assert [caller.lacks_contact for caller in (guest, refreshed, account)] == [True, False, False]
    assert not account.contact


async def test_a_contact_is_published_with_a_link_and_repeating_it_changes_nothing(shop: Shop) -> None:
    _, guest = await guest_of(shop)

    await shop.guest_contacts.set_contact(guest, CONTACT)
    await shop.guest_contacts.set_contact(guest, CONTACT)

    [event] = shop.db.events
    assert isinstance(event, GuestContactSet)
    assert (event.account.email, event.account.guest, event.account.email_verified) == (
        CONTACT.email,
        True,
        False,
    )
    assert (await shop.order_links.open(event.sealed_token.decode(), HOME)).account.id == guest.account_id


async def test_only_guests_have_a_contact(shop: Shop) -> None:
    account = await shop.principal(await shop.register())
    with pytest.raises(GuestOnly):
        await shop.guest_contacts.set_contact(account, CONTACT)


async def test_a_guest_with_the_address_of_an_account_does_not_touch_its_login_or_links(shop: Shop) -> None:
    await shop.register()
    _, guest = await guest_of(shop)
    await shop.guest_contacts.set_contact(guest, replace(CONTACT, email=EMAIL))

    assert (await shop.login()).account.id != guest.account_id
    await shop.reset_requests.request_password_reset(CONTACT.email, HOME)
    assert shop.mailed() == []
    with pytest.raises(BadCredentials):
        await shop.login("", email=CONTACT.email)
    with pytest.raises(AccountNotFound):
        await shop.roles.grant_admin(CONTACT.email)


async def test_what_needs_a_password_is_not_for_guests(shop: Shop) -> None:
    started, guest = await guest_of(shop)
    with pytest.raises(NotForGuests):
        await shop.change_password(started)
    with pytest.raises(NotForGuests):
        await shop.verifications.request_email_verification(guest, HOME)
    admin = await shop.principal(await shop.register())
    shop.replace_stored(replace(shop.store.accounts[admin.account_id].account, role=Role.ADMIN), "hash")
    with pytest.raises(AccountNotFound):
        await shop.roles.set_role(admin, guest.account_id, Role.ADMIN, HOME)


async def test_a_guest_that_registers_keeps_its_id_and_its_old_tokens_end(shop: Shop) -> None:
    started, guest = await guest_of(shop)
    await shop.guest_contacts.set_contact(guest, CONTACT)

    result = await shop.register(guest_token=started.access_token)

    assert (result.account.id, result.account.guest, result.account.email) == (guest.account_id, False, EMAIL)
    assert not (await shop.principal(result)).guest
    assert [event for event in shop.db.events if isinstance(event, AccountRegistered)]
    assert [event.session_id for event in shop.revoked()] == [guest.session_id]
    with pytest.raises(SessionRevoked):
        await shop.refresh(started)
    with pytest.raises(SessionRevoked):
        await shop.guest_contacts.set_contact(guest, CONTACT)
    assert (await shop.login()).account.id == guest.account_id
    assert shop.store.links == {}


async def test_registering_a_guest_with_a_taken_address_leaves_the_guest(shop: Shop) -> None:
    await shop.register()
    started, guest = await guest_of(shop)
    with pytest.raises(EmailTaken):
        await shop.register(guest_token=started.access_token)
    await shop.guest_contacts.set_contact(guest, CONTACT)
    assert (await shop.refresh(started)).account.guest


async def test_the_token_of_an_account_or_a_made_up_one_registers_nothing(shop: Shop) -> None:
    account = await shop.register()
    for token in (account.access_token, "made-up", account.refresh_token):
        with pytest.raises(GuestOnly):
            await shop.register(email="other@example.com", guest_token=token)


async def test_a_merge_happens_once_however_often_it_is_repeated(shop: Shop) -> None:
    started, guest = await guest_of(shop)
    await shop.guest_contacts.set_contact(guest, CONTACT)
    caller = await shop.principal(await shop.register())

    for _ in range(3):
        await merge(shop, caller, started.access_token)

    merged = [event for event in shop.db.events if isinstance(event, GuestMerged)]
    assert merged == [GuestMerged(guest.account_id, caller.account_id)]
    assert guest.account_id not in shop.store.accounts
    assert [event.session_id for event in shop.revoked()] == [guest.session_id]
    assert shop.store.links == {}
    with pytest.raises(Unauthenticated):
        await shop.sessions.current_role(guest)


async def test_a_guest_is_merged_into_one_account_only(shop: Shop) -> None:
    started, _ = await guest_of(shop)
    await merge(shop, await shop.principal(await shop.register()), started.access_token)
    thief = await shop.principal(await shop.register(email="thief@example.com"))

    with pytest.raises(GuestOnly):
        await merge(shop, thief, started.access_token)


async def test_only_a_living_guest_can_be_merged_and_only_into_an_account(shop: Shop) -> None:
    caller = await shop.principal(await shop.register())
    other = await shop.register(email="other@example.com")
    left, left_guest = await guest_of(shop)
    await shop.sessions.logout(left_guest, "", HOME)
    for token in (other.access_token, left.access_token, "made-up"):
        with pytest.raises(GuestOnly):
            await merge(shop, caller, token)
    started, guest = await guest_of(shop)
    with pytest.raises(NotForGuests):
        await merge(shop, guest, started.access_token)
    assert not [event for event in shop.db.events if isinstance(event, GuestMerged)]


async def test_a_guest_deletes_itself_without_a_password(shop: Shop) -> None:
    _, guest = await guest_of(shop)
    await shop.deletions.delete(guest, "", HOME)
    assert guest.account_id not in shop.store.accounts
    assert [event for event in shop.db.events if isinstance(event, AccountDeleted)]
    account = await shop.principal(await shop.register(password=PASSWORD))
    with pytest.raises(Exception, match="password is wrong"):
        await shop.deletions.delete(account, "", HOME)


async def test_unused_guests_are_deleted_unless_they_have_open_or_recent_orders(shop: Shop) -> None:
    guests = [(await guest_of(shop))[1].account_id for _ in range(4)]
    unused, ordered, ended, fresh = guests
    shop.clock.advance(days=31)
    now = shop.clock.now
    shop.guest_orders.summaries = {
        ordered: OrderSummary(OrderState.OPEN, now - timedelta(days=400)),
        ended: OrderSummary(OrderState.ENDED, now - timedelta(days=400)),
        fresh: OrderSummary(OrderState.ENDED, now - timedelta(days=300)),
    }
    used = (await shop.guest_starts.start(HOME)).account.id

    assert await shop.guest_expiry.delete_unused() == 2
    assert await shop.guest_expiry.delete_unused() == 0

    deleted = [event.account_id for event in shop.db.events if isinstance(event, AccountDeleted)]
    assert sorted(deleted) == sorted([unused, ended])
    assert {ordered, fresh, used} <= shop.store.accounts.keys()
    shop.clock.advance(days=66)
    assert await shop.guest_expiry.delete_unused() == 2


async def test_a_guest_whose_deletion_meets_concurrent_work_is_deleted_all_the_same(shop: Shop) -> None:
    for _ in range(2):
        await guest_of(shop)
    shop.clock.advance(days=31)
    shop.store.contentions = 1

    assert await shop.guest_expiry.delete_unused() == 2
