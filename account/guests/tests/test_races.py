"""Concurrent merges and registrations of one guest, on PostgreSQL."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from account.accounts.domain import AccountRegistered
from account.credentials.tests.fakes import FakePasswords
from account.guests.errors import GuestOnly
from account.guests.tests.fakes import FakeGuestOrders
from account.links.tests.fakes import FakeSealer
from account.sessions.domain import AuthResult
from account.tests.fakes import POLICY
from account.tests.stores import World, real
from account.use_cases import Ports, UseCases
from kit.auth import Principal, SigningKeys, TokenIssuer, TokenVerifier
from kit.testing.fixtures import database_url, postgres
from kit.values import utc_now

__all__ = ["database_url", "postgres", "real"]


class RealShop(UseCases):
    """The use cases on PostgreSQL."""

    def __init__(self, world: World, keys: SigningKeys) -> None:
        self.db, store = world
        self.verifier = TokenVerifier(keys.public)
        orders: Any = FakeGuestOrders()
        stores: dict[str, Any] = dict.fromkeys(
            "accounts search sessions credentials devices links attempts audit addresses guests".split(),
            store,
        )
        ports = Ports(
            **stores,
            guest_tokens=self.verifier,
            guest_orders=orders,
            passwords=FakePasswords(),
            orders=orders,
            sealer=FakeSealer(),
            tokens=TokenIssuer(keys),
        )
        super().__init__(self.db, ports, POLICY, utc_now)

    async def register(self, email: str, guest_token: str = "") -> AuthResult:
        return await self.registrations.register(
            name="Jo", email=email, phone="", password="SecurePass123!", address="", guest_token=guest_token
        )

    async def merge(self, caller: Principal, token: str) -> object:
        return await self.guest_merges.merge(caller, token, self.verifier, "")

    async def published(self, kind: str) -> int:
        count: int = await self.db.fetchval("SELECT count(*) FROM outbox WHERE type LIKE '%' || $1", kind)
        return count


@pytest.fixture
def shop(real: World, tmp_path: Path) -> RealShop:
    return RealShop(real, SigningKeys.generate(tmp_path / "keys.json"))


async def test_a_guest_merged_many_times_at_once_is_merged_once(shop: RealShop) -> None:
    guest = await shop.guest_starts.start("")
    caller = await shop.verifier.verify((await shop.register("jo@example.com")).access_token)

    merged = await asyncio.gather(*[shop.merge(caller, guest.access_token) for _ in range(10)])

    assert {*merged} == {guest.account.id}
    assert await shop.published("GuestMerged") == 1
    assert await shop.published("SessionEnded") == 1


async def test_a_guest_goes_to_one_of_two_accounts_or_becomes_its_own(shop: RealShop) -> None:
    guest = await shop.guest_starts.start("")
    callers = [
        await shop.verifier.verify((await shop.register(f"{n}@example.com")).access_token) for n in range(2)
    ]

    results = await asyncio.gather(
        *[shop.merge(caller, guest.access_token) for caller in callers],
        shop.register("guest@example.com", guest.access_token),
        return_exceptions=True,
    )

    rejected = [result for result in results if isinstance(result, GuestOnly)]
    assert len(rejected) == 2
    assert await shop.published("GuestMerged") + await shop.published("AccountRegistered") == 3


async def test_one_of_two_guests_gets_an_address_that_both_register(shop: RealShop) -> None:
    guests = [await shop.guest_starts.start("") for _ in range(2)]

    results = await asyncio.gather(
        *[shop.register("jo@example.com", guest.access_token) for guest in guests], return_exceptions=True
    )

    assert sorted(type(result).__name__ for result in results) == ["AuthResult", "EmailTaken"]
    assert await shop.published(AccountRegistered.__name__) == 1
