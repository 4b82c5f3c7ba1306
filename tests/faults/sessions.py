"""Somebody who stays signed in for as long as a storm lasts: access tokens end after a quarter of an hour."""

from __future__ import annotations

import asyncio
import time

import httpx

from tests.e2e.shop import PASSWORD, Person, Shop

# Well before it ends, even by the clock of a process that is minutes ahead.
_RENEW_SECONDS = 420.0


class Session:
    """A person with a token that still counts."""

    def __init__(self, shop: Shop, person: Person, password: str = PASSWORD) -> None:
        self._shop = shop
        self._person = person
        self._password = password
        self._renewed_at = time.monotonic()
        self._renewing = asyncio.Lock()

    async def person(self) -> Person:
        """The person; signs in again when the token is old."""
        async with self._renewing:
            if time.monotonic() - self._renewed_at > _RENEW_SECONDS:
                await self._sign_in()
        return self._person

    def distrust(self, person: Person) -> None:
        """The token of this person was refused: the next call signs in again."""
        if person is self._person:
            self._renewed_at = float("-inf")

    async def _sign_in(self) -> None:
        try:
            self._person = await self._shop.login(self._person.email, self._password)
            self._renewed_at = time.monotonic()
        except (AssertionError, httpx.TransportError, ValueError):
            # The account service is down: the old token goes on for as long as it counts.
            return
