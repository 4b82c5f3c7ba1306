"""The store contract: tests that take `world` run on the fake store and on PostgreSQL, those that take `real` on PostgreSQL only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import pytest

from account.accounts.domain import Account, ContactDetails
from account.accounts.store import PostgresAccountStore
from account.addresses.store import PostgresAddressStore
from account.attempts.store import PostgresAttemptStore
from account.audit.store import PostgresAuditStore
from account.credentials.store import PostgresCredentialStore
from account.devices.store import PostgresDeviceStore
from account.events import TOPIC
from account.guests.store import PostgresGuestStore
from account.links.store import PostgresLinkStore
from account.search.store import PostgresAccountSearchStore
from account.sessions.domain import Lifetimes, Session
from account.sessions.store import PostgresSessionStore
from account.tests.fakes import FakeStore
from kit.db import Database
from kit.db.fake import FakeDatabase
from kit.testing.migrated import migrated
from kit.values import utc_now

NOW: Final = utc_now()
LIFETIMES: Final = Lifetimes(timedelta(days=1), timedelta(days=2))
World = tuple[Any, Any]


class Stores(
    PostgresAccountStore,
    PostgresAccountSearchStore,
    PostgresSessionStore,
    PostgresCredentialStore,
    PostgresLinkStore,
    PostgresAttemptStore,
    PostgresDeviceStore,
    PostgresAuditStore,
    PostgresAddressStore,
    PostgresGuestStore,
):
    """All stores, as the fake is."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        PostgresAccountSearchStore.__init__(self, db)


@asynccontextmanager
async def _on_postgresql(url: str) -> AsyncIterator[World]:
    async with migrated(url, "account", publishes=TOPIC) as db:
        yield db, Stores(db)


@pytest.fixture
async def real(database_url: str) -> AsyncIterator[World]:
    async with _on_postgresql(database_url) as world:
        yield world


@pytest.fixture(params=["fake", "postgresql"])
async def world(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeDatabase(), FakeStore()
        return
    async with _on_postgresql(database_url) as world:
        yield world


def new_account(email: str = "john@example.com", name: str = "John", phone: str = "") -> Account:
    return Account.register(ContactDetails(name, email, phone), NOW)[0]


async def add_account(
    world: World, email: str = "john@example.com", name: str = "John", phone: str = ""
) -> Account:
    db, store = world
    account = new_account(email, name, phone)
    async with db.transaction() as tx:
        await store.add(tx, account, "hash")
    return account


async def add_session(world: World, owner: Account, refresh_hash: bytes = b"first") -> Session:
    db, store = world
    session = Session.start(owner.id, NOW, LIFETIMES)
    async with db.transaction() as tx:
        await store.add_session(tx, session, refresh_hash)
    return session
