"""Guests: each fills a cart and orders; some register, some are merged into an account, some order again by the mailed link."""

from __future__ import annotations

import asyncio
import random
import re
import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from tests.e2e.responses import Response
from tests.e2e.shop import PASSWORD, Person, Shop
from tests.faults.calls import Calls
from tests.faults.carts import CartBuyer, CheckedOut, Line, as_variant
from tests.faults.login import LoggedIn

START_GUEST: Final = "mutation Start { startGuest { account { id } accessToken } }"
INTRODUCE: Final = "mutation Introduce($input: UpdateCartInput!) { updateCart(input: $input) { id } }"
REGISTER: Final = (
    "mutation Register($input: RegisterInput!) { register(input: $input) { account { id } accessToken } }"
)
LOGIN: Final = "mutation Login($input: LoginInput!) { login(input: $input) { account { id } accessToken } }"
MERGE: Final = """
mutation Merge($guest: String!) { mergeCart(guestToken: $guest) { lines { variantId quantity } warnings { code } } }
"""
OPEN_LINK: Final = (
    "mutation Open($link: String!) { openOrderLink(token: $link) { account { id } accessToken } }"
)
_LINK: Final = re.compile(r"#token=(\S+)")
_ADDRESS: Final = {
    "name": "Jane Doe",
    "line1": "1 High Street",
    "city": "London",
    "postalCode": "N1 9GU",
    "countryCode": "GB",
}
# The mail comes after the payment. An order that is not paid by then, or whose mail is late, gets no second one.
_MAIL_SECONDS: Final = 45.0
_POLL_SECONDS: Final = 1.0
_ENDINGS: Final = (
    "leave",
    "register first",
    "register",
    "merge first",
    "merge",
    "merge during",
    "link",
    "link",
)


class Guest:
    """A user whose token is all that it has: another one comes by mail only."""

    def __init__(self, person: Person) -> None:
        self._person = person

    async def person(self) -> Person:
        """The user."""
        return self._person

    def distrust(self, person: Person) -> None:
        """It cannot log in again, so it waits until the clock that rejected the token is right."""


@dataclass(frozen=True, slots=True)
class Guests:
    """Makes guests act. `changing`: variants that change while they are sold."""

    shop: Shop
    calls: Calls
    changing: Collection[str]

    async def visit(
        self, rng: random.Random, account: LoggedIn, lines: Sequence[Line], card: str, key: str
    ) -> CheckedOut:
        """A guest's whole way; `account` is the one that it has already, if it says so after filling the cart."""
        ending = rng.choice(_ENDINGS)
        guest = await self._start()
        if guest is None or not await self._introduce(guest):
            return CheckedOut()
        self.calls.totals.attempted[f"guest: {ending}"] += 1
        cart = self._cart(guest)
        if not await cart.add(lines, key):
            return CheckedOut()
        if ending == "merge during":
            return await self._merge_during_checkout(guest, account, lines, card)
        buyer: Guest | LoggedIn | None = guest
        if ending == "register first":
            buyer = await self._register(guest)
        elif ending == "merge first":
            await self._merge(guest, account, lines)
            buyer = account
        if buyer is None:
            return CheckedOut()
        result = await self._cart(buyer).order(card)
        if ending == "register":
            await self._register(guest)
        elif ending == "merge":
            await self._merge(guest, account, ())
        elif ending == "link" and result.orders:
            result.orders |= (await self._order_by_link(guest, lines, card, f"{key}-link")).orders
        return result

    def _cart(self, user: Guest | LoggedIn) -> CartBuyer:
        return CartBuyer(self.calls, user, self.changing)

    async def _start(self) -> Guest | None:
        started = await self._ask("start guest", START_GUEST)
        if started is None or started.errors:
            return None
        payload = started.get("startGuest")
        email = f"jane.{secrets.token_hex(6)}@example.com"
        return Guest(Person(self.shop, payload["account"]["id"], email, payload["accessToken"]))

    async def _introduce(self, guest: Guest) -> bool:
        contact = {"name": "Jane Doe", "email": (await guest.person()).email}
        details = {"contact": contact, "shippingAddress": _ADDRESS, "note": "Please ring twice"}
        response = await self.calls.retry(
            "introduce", guest, lambda person: person.execute(INTRODUCE, input=details)
        )
        return response is not None and not response.errors

    async def _register(self, guest: Guest) -> LoggedIn | None:
        """Registers the guest. If the response of a first try was lost, the account exists: the guest logs in."""
        person = await guest.person()
        credentials = {"email": person.email, "password": PASSWORD}
        fields = {**credentials, "name": "Jane Doe", "guestToken": person.token}
        response = await self._ask("register", REGISTER, input=fields)
        if response is not None and response.errors:
            response = await self._ask("log in", LOGIN, input=credentials)
        if response is None or response.errors:
            return None
        assert response.data is not None
        payload = next(iter(response.data.values()))
        if payload["account"]["id"] != person.id:
            self._violation(f"guest {person.id} registered and became {payload['account']['id']}")
        return LoggedIn(self.shop, Person(self.shop, person.id, person.email, payload["accessToken"]))

    async def _merge(self, guest: Guest, account: LoggedIn, lines: Sequence[Line]) -> None:
        """Merges the guest into an account, whose cart has the guest's lines then, unless their currency differs."""
        token = (await guest.person()).token
        response = await self.calls.retry(
            "merge carts", account, lambda person: person.execute(MERGE, guest=token)
        )
        if response is None or response.errors:
            return
        # Null if both carts were ordered.
        cart = response.get("mergeCart") or {"lines": [], "warnings": []}
        held = {line["variantId"]: line["quantity"] for line in cart["lines"]}
        missing = [line for line in lines if held.get(as_variant(line[0]), 0) < line[1]]
        if missing and not any(warning["code"] == "LINES_NOT_MERGED" for warning in cart["warnings"]):
            self._violation(f"{missing} of a merged guest are not in {cart}")

    async def _merge_during_checkout(
        self, guest: Guest, account: LoggedIn, lines: Sequence[Line], card: str
    ) -> CheckedOut:
        buyer = self._cart(guest)
        cart = await buyer.read()
        if cart is None or cart["total"] is None:
            return CheckedOut()
        result, _ = await asyncio.gather(
            buyer.check_out(cart, card, operation="check out while merging"), self._merge(guest, account, ())
        )
        return result

    async def _order_by_link(self, guest: Guest, lines: Sequence[Line], card: str, key: str) -> CheckedOut:
        person = await guest.person()
        token = await self._link_token(person.email)
        opened = await self._ask("open link", OPEN_LINK, link=token) if token else None
        if opened is None or opened.errors:
            return CheckedOut()
        payload = opened.get("openOrderLink")
        if payload["account"]["id"] != person.id:
            self._violation(f"the link mailed to guest {person.id} opened {payload['account']['id']}")
        self.calls.totals.attempted["order"] += 1
        buyer = self._cart(Guest(Person(self.shop, person.id, person.email, payload["accessToken"])))
        # Its earlier order may have opened its cart again.
        return await buyer.order(card) if await buyer.fill(lines, key) else CheckedOut()

    async def _link_token(self, email: str) -> str:
        end = time.monotonic() + _MAIL_SECONDS
        while time.monotonic() < end:
            try:
                mails = await self.shop.mails_to(email)
            except (httpx.HTTPError, ValueError):  # the mail server is down
                mails = []
            if links := [match[1] for mail in mails if (match := _LINK.search(mail.text))]:
                return links[-1]
            await asyncio.sleep(_POLL_SECONDS)
        return ""

    async def _ask(self, operation: str, document: str, **variables: Any) -> Response | None:
        """A call without a token."""
        stranger = Guest(Person(self.shop, "", "", ""))
        return await self.calls.retry(
            operation, stranger, lambda person: person.execute(document, **variables)
        )

    def _violation(self, text: str) -> None:
        self.calls.totals.violations.append(text)
