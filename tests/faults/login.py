"""A user who stays logged in during a whole fault run: access tokens expire after 15 minutes."""

from __future__ import annotations

import asyncio
import time

import httpx

from tests.e2e.shop import PASSWORD, Person, Shop

# Well before the expiry, even by a clock that is minutes ahead.
_RENEW_SECONDS = 420.0


class LoggedIn:
    """A user with a valid token."""

    def __init__(self, shop: Shop, person: Person, password: str = PASSWORD) -> None:
        self._shop = shop
        self._person = person
        self._password = password
        self._renewed_at = time.monotonic()
        self._renewal_lock = asyncio.Lock()

    async def person(self) -> Person:
        """The user; logs in again if the token is old."""
        async with self._renewal_lock:
            if time.monotonic() - self._renewed_at > _RENEW_SECONDS:
                await self._log_in()
        return self._person

    def distrust(self, person: Person) -> None:
        """This person's token was rejected: the next call logs in again."""
        if person is self._person:
            self._renewed_at = float("-inf")

    async def _log_in(self) -> None:
        try:
            self._person = await self._shop.login(self._person.email, self._password)
            self._renewed_at = time.monotonic()
        except (AssertionError, httpx.TransportError, ValueError):
            # The account service is down: the old token is used while it is valid.
            return
