"""Accounts: revoked sessions, password resets by mail, deletion, and the audit log."""

import re
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.responses import Response, within
from tests.e2e.shop import PASSWORD, Person, Shop
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

NEW_PASSWORD = "AnotherPass456!"
ME = "{ me { id email } }"
PAIR = "accessToken refreshToken account { id }"
LOGIN = f"mutation Login($input: LoginInput!) {{ login(input: $input) {{ {PAIR} }} }}"
REFRESH = f"mutation Refresh($refresh: String!) {{ refreshToken(refreshToken: $refresh) {{ {PAIR} }} }}"
LOGOUT = "mutation { logout }"
REQUEST_RESET = "mutation Request($email: String!) { requestPasswordReset(email: $email) }"
RESET = "mutation Reset($link: String!, $password: String!) { resetPassword(token: $link, newPassword: $password) }"
DELETE = "mutation Delete($password: String!) { deleteAccount(password: $password) }"
ORDER = """
query Order($id: ID!) { order(id: $id) { status cancelReason shippingAddress { name line1 city countryCode } account { id } } }
"""
AUDIT = """
query Audit($subject: ID) { auditEvents(subjectId: $subject) { nodes { action actorId subjectId } } }
"""
ADDRESS = {
    "name": "John Doe",
    "line1": "Bahnhofstrasse 1",
    "city": "Bern",
    "postalCode": "3011",
    "countryCode": "CH",
}
# The buyer must authenticate first, so the order stays PENDING.
PENDING_CARD = "pm_card_authenticationRequired"


@pytest.fixture
async def shop(stack: StackUnderTest) -> AsyncIterator[Shop]:
    async with stack.shop() as shop:
        yield shop


@pytest.fixture
async def admin(shop: Shop) -> Person:
    return await shop.admin()


async def new_session(shop: Shop, person: Person) -> Mapping[str, Any]:
    """The tokens of a new session."""
    credentials = {"email": person.email, "password": PASSWORD}
    pair: Mapping[str, Any] = (await shop.execute(LOGIN, input=credentials)).get("login")
    return pair


async def refresh(shop: Shop, refresh_token: str) -> Response:
    return await shop.execute(REFRESH, refresh=refresh_token)


async def is_rejected(person: Person) -> bool:
    """Whether the gateway rejects the person's token."""
    return (await person.execute(ME)).codes == ["UNAUTHENTICATED"]


async def test_a_session_is_revoked_everywhere_within_five_seconds(shop: Shop, admin: Person) -> None:
    person, product = await shop.register(), await admin.create_product()
    other = replace(person, token=(await new_session(shop, person))["accessToken"])
    assert (await person.execute(ME)).get("me")["id"] == person.id

    assert (await person.execute(LOGOUT)).get("logout") is True

    await within(5, lambda: is_rejected(person), "the gateway to reject the token")
    assert (await person.try_to_buy(product)).codes == ["UNAUTHENTICATED"]
    assert (await other.execute(ME)).get("me")["id"] == person.id


async def test_a_reused_refresh_token_revokes_its_session(shop: Shop) -> None:
    person = await shop.register()
    first = await new_session(shop, person)
    second = (await refresh(shop, first["refreshToken"])).get("refreshToken")
    third = (await refresh(shop, second["refreshToken"])).get("refreshToken")

    assert (await refresh(shop, first["refreshToken"])).codes == ["UNAUTHENTICATED"]

    assert (await refresh(shop, third["refreshToken"])).codes == ["UNAUTHENTICATED"]
    thief = replace(person, token=third["accessToken"])
    await within(5, lambda: is_rejected(thief), "the gateway to reject the session")


async def test_a_password_is_reset_by_mail_once(shop: Shop) -> None:
    person = await shop.register()
    for email in (person.email.upper(), f"unknown.{secrets.token_hex(6)}@example.com"):
        assert (await shop.execute(REQUEST_RESET, email=email)).get("requestPasswordReset") is True
    [mail] = await person.wait_for_mail("password", "reset-password")
    [token] = re.findall(r"token=([\w-]+)", mail.text)

    assert (await shop.execute(RESET, link=token, password=NEW_PASSWORD)).get("resetPassword") is True

    assert (await shop.execute(RESET, link=token, password=PASSWORD)).fields == ["token"]
    assert (await shop.login(person.email, NEW_PASSWORD)).id == person.id
    await within(5, lambda: is_rejected(person), "the gateway to reject the older session")


async def test_a_deleted_account_is_erased_and_its_orders_are_anonymized(shop: Shop, admin: Person) -> None:
    person, product = await shop.register(), await admin.create_product(stock=5)
    paid = await person.buy(product, shippingAddress=ADDRESS)
    await person.wait_for_status(paid["id"], "CONFIRMED")
    assert (await person.execute(DELETE, password=PASSWORD)).codes == ["FAILED_PRECONDITION"]
    for status in ("SHIPPED", "DELIVERED"):
        (await admin.update_status(paid["id"], status)).get("updateOrderStatus")
    pending = await person.buy(product, card=PENDING_CARD, shippingAddress=ADDRESS)

    assert (await person.execute(DELETE, password=PASSWORD)).get("deleteAccount") is True

    async def is_anonymized() -> bool:
        orders = [(await admin.execute(ORDER, id=order["id"])).get("order") for order in (paid, pending)]
        addresses = [order["shippingAddress"] for order in orders]
        return all((address["name"], address["countryCode"]) == ("", "CH") for address in addresses)

    await within(20, is_anonymized, "anonymized orders")
    cancelled = (await admin.execute(ORDER, id=pending["id"])).get("order")
    assert (cancelled["status"], cancelled["cancelReason"]) == ("CANCELLED", "ACCOUNT_DELETED")
    await within(5, lambda: is_rejected(person), "the gateway to reject the token")
    assert (await shop.register(email=person.email)).id != person.id


async def test_an_admins_writes_are_in_the_audit_log(shop: Shop, admin: Person) -> None:
    product = await admin.create_product(stock=1)
    (await admin.adjust_stock(product, 2)).get("adjustStock")

    async def actions() -> list[str]:
        nodes = (await admin.execute(AUDIT, subject=product)).get("auditEvents")["nodes"]
        assert all(node["actorId"] == admin.id for node in nodes)
        return sorted(node["action"] for node in nodes) if len(nodes) >= 2 else []

    logged = await within(20, actions, "both writes in the log")
    assert logged == ["catalog.adjust_stock", "catalog.create_product"]
