"""Links to a guest's orders: which work, how often, and when one is mailed."""

from datetime import timedelta

import pytest

from account.accounts.domain import ContactDetails
from account.guests.domain import GuestContactSet
from account.links.domain import Purpose
from account.links.errors import LinkInvalid, ResetThrottled
from account.tests.shop import EMAIL, HOME, STRANGER, Shop, keys, shop
from kit.auth import Principal

__all__ = ["keys", "shop"]

CONTACT = ContactDetails("Jane", "jane@example.com", "")


async def guest_with_link(shop: Shop, contact: ContactDetails = CONTACT) -> tuple[Principal, str]:
    guest = await shop.principal(await shop.guest_starts.start(HOME))
    return guest, await set_contact(shop, guest, contact)


async def set_contact(shop: Shop, guest: Principal, contact: ContactDetails) -> str:
    """The token of the link that mails contain from now on."""
    await shop.guest_contacts.set_contact(guest, contact)
    [*_, event] = [event for event in shop.db.events if isinstance(event, GuestContactSet)]
    return event.sealed_token.decode()


async def works(shop: Shop, token: str) -> bool:
    try:
        await shop.order_links.open(token, STRANGER)
    except LinkInvalid:
        return False
    return True


async def test_a_link_works_on_every_device_until_it_expires(shop: Shop) -> None:
    guest, token = await guest_with_link(shop)

    opened = [await shop.order_links.open(token, STRANGER) for _ in range(2)]

    assert {result.account.id for result in opened} == {guest.account_id}
    assert len({result.refresh_token for result in opened}) == 2
    shop.clock.advance(seconds=timedelta(days=30).total_seconds())
    assert not await works(shop, token)


@pytest.mark.parametrize("token", ["", "guessed", "\ud800", "x" * 5_000])
async def test_a_guessed_link_opens_nothing(shop: Shop, token: str) -> None:
    await guest_with_link(shop)
    assert not await works(shop, token)


async def test_links_of_other_purposes_open_no_order(shop: Shop) -> None:
    signed_in = await shop.register()
    for token in (await shop.reset_token(), await shop.verification_token(signed_in)):
        assert not await works(shop, token)


async def test_the_address_before_another_contact_loses_its_link(shop: Shop) -> None:
    guest, first = await guest_with_link(shop)
    second = await set_contact(shop, guest, ContactDetails("Jane", "other@example.com", ""))

    assert (await works(shop, first), await works(shop, second)) == (False, True)


async def test_no_link_opens_an_account_that_registered_or_a_merged_or_deleted_guest(shop: Shop) -> None:
    registered, registered_link = await guest_with_link(shop)
    merged, merged_link = await guest_with_link(shop)
    deleted, deleted_link = await guest_with_link(shop)
    account = await shop.register(guest_token=registered.token)
    caller = await shop.principal(account)
    await shop.guest_merges.merge(caller, merged.token, shop.guest_verifier(), HOME)
    await shop.deletions.delete(deleted, "", HOME)

    for token in (registered_link, merged_link, deleted_link):
        assert not await works(shop, token)


async def test_a_link_is_mailed_for_the_number_and_address_of_a_guest(shop: Shop) -> None:
    guest, first = await guest_with_link(shop)
    shop.guest_orders.owners["1042"] = guest.account_id

    await shop.order_link_requests.request("1042", "Jane@Example.com", STRANGER)

    assert [event.purpose for event in shop.mailed()] == [Purpose.ORDER_ACCESS]
    assert await works(shop, shop.last_link(Purpose.ORDER_ACCESS))
    assert not await works(shop, first)


async def test_nothing_is_mailed_for_other_numbers_addresses_and_accounts(shop: Shop) -> None:
    guest, _ = await guest_with_link(shop)
    silent = await shop.principal(await shop.guest_starts.start(HOME))
    account = await shop.principal(await shop.register())
    shop.guest_orders.owners = {
        "1042": guest.account_id,
        "1043": account.account_id,
        "1044": silent.account_id,
    }

    for number, email in [
        ("1042", EMAIL),
        ("1042", ""),
        ("1042", "no address"),
        ("1043", EMAIL),
        ("1044", ""),
        ("1045", CONTACT.email),
        ("", CONTACT.email),
    ]:
        await shop.order_link_requests.request(number, email, f"192.0.2.{ord(number[-1:] or '0')}")

    assert shop.mailed() == []


async def test_requests_are_limited_for_a_network_and_mails_for_a_guest(shop: Shop) -> None:
    guest, _ = await guest_with_link(shop)
    shop.guest_orders.owners["1042"] = guest.account_id

    for _ in range(5):
        await shop.order_link_requests.request("1042", CONTACT.email, STRANGER)
    with pytest.raises(ResetThrottled):
        await shop.order_link_requests.request("1042", CONTACT.email, STRANGER)

    assert len(shop.mailed()) == 3
