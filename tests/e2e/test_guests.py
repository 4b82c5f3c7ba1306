"""A guest's way through the shop: it buys, reads its order by the mailed link, and registers or is merged into an account."""

from __future__ import annotations

import re
import secrets
from typing import Any

from tests.e2e.documents import START_GUEST
from tests.e2e.responses import within
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

SET_CONTACT = "mutation($i: UpdateCartInput!) { updateCart(input: $i) { version } }"
ADD = "mutation($id: ID!, $n: Int!) { addToCart(lines: [{id: $id, quantity: $n}]) { id version } }"
CART = "{ cart { lines { quantity } } }"
OPEN_LINK = "mutation($t: String!) { openOrderLink(token: $t) { account { id guest } accessToken } }"
REGISTER = "mutation($i: RegisterInput!) { register(input: $i) { account { id guest } accessToken } }"
MERGE = "mutation($t: String!) { mergeCart(guestToken: $t) { lines { quantity } } }"
REQUEST_LINK = "mutation($n: String!, $e: String!) { requestOrderLink(number: $n, email: $e) }"
ORDERS = "{ me { id guest orders { nodes { id number account { id } payment { status } notifications { id } } } } }"


async def guest_with_contact(shop: Shop) -> Person:
    payload = (await shop.execute(START_GUEST)).get("startGuest")
    guest = Person(
        shop, payload["account"]["id"], f"jane.{secrets.token_hex(6)}@example.com", payload["accessToken"]
    )
    contact = {"contact": {"name": "Jane Doe", "email": guest.email}}
    assert (await guest.execute(SET_CONTACT, i=contact)).errors == ()
    return guest


async def link_token(guest: Person, subject: str) -> str:
    """The token in the newest mail with this subject."""
    mails = await guest.wait_for_mail(subject)
    match = re.search(r"#token=(\S+)", mails[-1].text)
    assert match, mails[-1].text
    return match[1]


async def orders(person: Person) -> list[Any]:
    nodes: list[Any] = (await person.execute(ORDERS)).get("me")["orders"]["nodes"]
    return nodes


async def test_a_guest_reads_its_paid_order_by_the_mailed_link_and_keeps_it_when_it_registers(
    stack: StackUnderTest,
) -> None:
    async with stack.shop() as shop:
        product = await (await shop.admin()).create_product(price="5.00", stock=10)
        guest = await guest_with_contact(shop)
        order = await guest.buy(product)
        await guest.wait_for_status(order["id"], "CONFIRMED")

        token = await link_token(guest, "Your order is confirmed")
        assert [mail.subject for mail in await shop.mails_to(guest.email)] == ["Your order is confirmed"]
        opened = (await shop.execute(OPEN_LINK, t=token)).get("openOrderLink")
        assert opened["account"] == {"id": guest.id, "guest": True}
        elsewhere = Person(shop, guest.id, guest.email, opened["accessToken"])
        [seen] = await orders(elsewhere)
        assert (seen["id"], seen["payment"]["status"]) == (order["id"], "SUCCEEDED")

        assert (await shop.execute(REQUEST_LINK, n=seen["number"], e=guest.email)).errors == ()
        renewed = await link_token(guest, "The link to your orders")
        assert (await shop.execute(OPEN_LINK, t=token)).codes == ["BAD_USER_INPUT"]
        assert (await shop.execute(OPEN_LINK, t=renewed)).errors == ()

        fields = {
            "name": "Jane Doe",
            "email": guest.email,
            "password": "SecurePass123!",
            "guestToken": guest.token,
        }
        account = (await shop.execute(REGISTER, i=fields)).get("register")
        assert account["account"] == {"id": guest.id, "guest": False}
        assert [
            o["id"] for o in await orders(Person(shop, guest.id, guest.email, account["accessToken"]))
        ] == [order["id"]]
        assert (await shop.execute(OPEN_LINK, t=renewed)).codes == ["BAD_USER_INPUT"]


async def test_a_guests_unpaid_order_sends_no_mail(stack: StackUnderTest) -> None:
    async with stack.shop() as shop:
        product = await (await shop.admin()).create_product(price="5.00", stock=10)
        guest = await guest_with_contact(shop)
        declined = await guest.buy(product, card="pm_card_chargeDeclined")
        await guest.wait_for_status(declined["id"], "CANCELLED")
        [unpaid] = await orders(guest)
        assert (await shop.execute(REQUEST_LINK, n=unpaid["number"], e=guest.email)).errors == ()
        paid = await guest.buy(product)
        await guest.wait_for_status(paid["id"], "CONFIRMED")

        # Mails of one account are sent in order, so those of the declined order would have come first.
        await link_token(guest, "Your order is confirmed")
        assert len(await shop.mails_to(guest.email)) == 1


async def test_a_merged_guests_cart_order_payment_and_mails_are_the_accounts(stack: StackUnderTest) -> None:
    async with stack.shop() as shop:
        product = await (await shop.admin()).create_product(price="5.00", stock=10)
        guest = await guest_with_contact(shop)
        order = await guest.buy(product)
        await guest.wait_for_status(order["id"], "CONFIRMED")
        await link_token(guest, "Your order is confirmed")
        account = await shop.register()
        assert (await guest.execute(ADD, id=product, n=3)).errors == ()
        assert (await account.execute(ADD, id=product, n=2)).errors == ()

        for _ in range(2):
            merged = (await account.execute(MERGE, t=guest.token)).get("mergeCart")
            assert merged["lines"] == [{"quantity": 3}]

        async def follow() -> bool:
            nodes = await orders(account)
            return [
                (node["id"], node["account"]["id"], node["payment"]["status"], len(node["notifications"]))
                for node in nodes
                if node["payment"]
            ] == [(order["id"], account.id, "SUCCEEDED", 1)]

        await within(30, follow, "the guest's order with its payment and mail")
        assert (await guest.execute(ORDERS)).codes == ["UNAUTHENTICATED"]
