"""Accounts as a person has them: sessions that end everywhere, passwords by mail, and leaving for good."""

import re
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.e2e.ground import Ground, ground
from tests.e2e.shop import PASSWORD, Answer, Person, Shop, within

__all__ = ["ground"]

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
# Declined by nobody, and not paid before the buyer says so: the order stays PENDING.
WAITS = "pm_card_authenticationRequired"


@pytest.fixture
async def shop(ground: Ground) -> AsyncIterator[Shop]:
    async with ground.shop() as shop:
        yield shop


@pytest.fixture
async def admin(shop: Shop) -> Person:
    return await shop.admin()


async def signed_in(shop: Shop, person: Person) -> Mapping[str, Any]:
    """A pair of tokens of a session of its own."""
    wanted = {"email": person.email, "password": PASSWORD}
    pair: Mapping[str, Any] = (await shop.ask(LOGIN, input=wanted)).get("login")
    return pair


async def refreshed(shop: Shop, refresh_token: str) -> Answer:
    return await shop.ask(REFRESH, refresh=refresh_token)


async def refused(person: Person) -> bool:
    """Whether their token is worth nothing, at the gateway and in the service that owns orders."""
    return (await person.ask(ME)).codes == ["UNAUTHENTICATED"]


async def test_a_session_ends_everywhere_within_five_seconds(shop: Shop, admin: Person) -> None:
    person, product = await shop.register(), await admin.create_product()
    other = replace(person, token=(await signed_in(shop, person))["accessToken"])
    assert (await person.ask(ME)).get("me")["id"] == person.id

    assert (await person.ask(LOGOUT)).get("logout") is True

    await within(5, lambda: refused(person), "the gateway refuses the token")
    assert (await person.try_to_buy(product)).codes == ["UNAUTHENTICATED"]
    assert (await other.ask(ME)).get("me")["id"] == person.id


async def test_a_refresh_token_that_comes_back_ends_its_session(shop: Shop) -> None:
    person = await shop.register()
    first = await signed_in(shop, person)
    second = (await refreshed(shop, first["refreshToken"])).get("refreshToken")
    third = (await refreshed(shop, second["refreshToken"])).get("refreshToken")

    assert (await refreshed(shop, first["refreshToken"])).codes == ["UNAUTHENTICATED"]

    assert (await refreshed(shop, third["refreshToken"])).codes == ["UNAUTHENTICATED"]
    thief = replace(person, token=third["accessToken"])
    await within(5, lambda: refused(thief), "the gateway refuses the family")


async def test_a_forgotten_password_is_set_by_mail_once(shop: Shop) -> None:
    person = await shop.register()
    for email in (person.email.upper(), f"nobody.{secrets.token_hex(6)}@example.com"):
        assert (await shop.ask(REQUEST_RESET, email=email)).get("requestPasswordReset") is True
    [mail] = await person.gets_mail("password", "reset-password")
    [token] = re.findall(r"token=([\w-]+)", mail.text)

    assert (await shop.ask(RESET, link=token, password=NEW_PASSWORD)).get("resetPassword") is True

    assert (await shop.ask(RESET, link=token, password=PASSWORD)).fields == ["token"]
    assert (await shop.login(person.email, NEW_PASSWORD)).id == person.id
    await within(5, lambda: refused(person), "the gateway refuses what was signed in before")


async def test_who_leaves_is_forgotten_and_their_orders_stay(shop: Shop, admin: Person) -> None:
    person, product = await shop.register(), await admin.create_product(stock=5)
    paid = await person.buy(product, shippingAddress=ADDRESS)
    await person.sees(paid["id"], "CONFIRMED")
    assert (await person.ask(DELETE, password=PASSWORD)).codes == ["FAILED_PRECONDITION"]
    for status in ("SHIPPED", "DELIVERED"):
        (await admin.move(paid["id"], status)).get("updateOrderStatus")
    waiting = await person.buy(product, card=WAITS, shippingAddress=ADDRESS)

    assert (await person.ask(DELETE, password=PASSWORD)).get("deleteAccount") is True

    async def forgotten() -> bool:
        found = [(await admin.ask(ORDER, id=order["id"])).get("order") for order in (paid, waiting)]
        addresses = [order["shippingAddress"] for order in found]
        return all((each["name"], each["countryCode"]) == ("", "CH") for each in addresses)

    await within(20, forgotten, "orders forget who it was")
    left = (await admin.ask(ORDER, id=waiting["id"])).get("order")
    assert (left["status"], left["cancelReason"]) == ("CANCELLED", "ACCOUNT_DELETED")
    await within(5, lambda: refused(person), "the gateway refuses the token")
    assert (await shop.register(email=person.email)).id != person.id


async def test_what_an_admin_writes_is_in_the_audit_log(shop: Shop, admin: Person) -> None:
    product = await admin.create_product(stock=1)
    (await admin.adjust_stock(product, 2)).get("adjustStock")

    async def told() -> list[str]:
        nodes = (await admin.ask(AUDIT, subject=product)).get("auditEvents")["nodes"]
        assert all(node["actorId"] == admin.id for node in nodes)
        return sorted(node["action"] for node in nodes) if len(nodes) >= 2 else []

    actions = await within(20, told, "both writes are in the log")
    assert actions == ["catalog.adjust_stock", "catalog.create_product"]
