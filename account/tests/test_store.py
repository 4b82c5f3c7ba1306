"""One contract for the fake store and for PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from account.audit_store import PostgresAuditStore
from account.credential_store import PostgresCredentialStore
from account.domain import Account, AuditEvent, Registration
from account.errors import EmailTaken
from account.events import TOPIC
from account.session_domain import Session
from account.session_store import PostgresSessionStore
from account.store import PostgresAccountStore
from account.tables import TABLES
from account.tests.fakes import FakeStore
from kit.auth import Role
from kit.db import Database, Migrations, assert_tables_match
from kit.db.fake import FakeDatabase
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, SESSION, utc_now

__all__ = ["database_url", "postgres"]

NOW = utc_now()
World = tuple[Any, Any]


class Stores(PostgresAccountStore, PostgresSessionStore, PostgresCredentialStore, PostgresAuditStore):
    """All four."""


@pytest.fixture(params=["fake", "postgresql"])
async def world(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[World]:
    if request.param == "fake":
        yield FakeDatabase(), FakeStore()
        return
    await Migrations("account").apply(database_url)
    db = Database(database_url, publishes=TOPIC)
    await db.open()
    yield db, Stores(db)
    await db.close()


def account(email: str = "john@example.com") -> Account:
    read = Registration.read(
        name="John", email=email, phone="", password="SecurePass123!", common=frozenset()
    )
    return Account.register(read, NOW)[0]


async def added(world: World, email: str = "john@example.com") -> Account:
    db, store = world
    made = account(email)
    async with db.transaction() as tx:
        await store.add(tx, made, "hash")
    return made


async def test_an_account_comes_back_as_it_was(world: World) -> None:
    made = await added(world)
    assert await world[1].get_many([made.id, ACCOUNT.new()]) == [made]
    assert await world[1].credentials(made.email) == (made, "hash")
    assert await world[1].credentials("nobody\0@example.com") is None


async def test_an_address_is_taken_once(world: World) -> None:
    await added(world)
    with pytest.raises(EmailTaken):
        await added(world)


async def test_a_changed_role_is_kept(world: World) -> None:
    made = await added(world)
    db, store = world
    async with db.transaction() as tx:
        locked = await store.lock_by_email(tx, made.email)
        await store.update(tx, locked.grant(Role.ADMIN, NOW)[0])
    assert (await store.get_many([made.id]))[0].role is Role.ADMIN


async def test_a_session_tells_the_role_until_it_ends(world: World) -> None:
    db, store = world
    made = await added(world)
    session = Session.begin(made.id, NOW, idle=timedelta(days=1), absolute=timedelta(days=2))
    async with db.transaction() as tx:
        await store.begin_session(tx, session, b"hash")
    assert await store.session_role(session.id, made.id, NOW) is Role.USER
    assert await store.session_role(session.id, ACCOUNT.new(), NOW) is None
    assert await store.session_role(SESSION.new(), made.id, NOW) is None
    assert await store.session_role(session.id, made.id, NOW + timedelta(days=3)) is None
    async with db.transaction() as tx:
        await store.end_sessions(tx, made.id, NOW)
    assert await store.session_role(session.id, made.id, NOW) is None


async def test_attempts_are_counted_within_their_window(world: World) -> None:
    store = world[1]
    start = NOW - timedelta(minutes=15)
    assert await store.count_attempt(["b", "a"], NOW, start) == [(1, NOW), (1, NOW)]
    assert await store.count_attempt(["a"], NOW, start) == [(2, NOW)]
    await store.forgive_attempt(["a", "b"])
    assert await store.count_attempt(["a", "b"], NOW, start) == [(2, NOW), (1, NOW)]
    later = NOW + timedelta(minutes=16)
    assert await store.count_attempt(["a"], later, later - timedelta(minutes=15)) == [(1, later)]


async def test_attempts_at_once_are_all_counted(world: World) -> None:
    store = world[1]
    subjects = [["a", "b"], ["b", "a"]] * 20
    counted = await asyncio.gather(
        *(store.count_attempt(each, NOW, NOW - timedelta(minutes=15)) for each in subjects)
    )
    assert max(count for answer in counted for count, _ in answer) == 40


async def test_an_audit_row_is_taken(world: World) -> None:
    db, store = world
    async with db.transaction() as tx:
        await store.audit(tx, AuditEvent("account.login", ACCOUNT.new(), None, "1.2.3.4"), NOW)
    if isinstance(db, Database):
        assert await db.fetchval("SELECT action FROM audit_events") == "account.login"


async def test_tables_are_declared_as_they_are_migrated(database_url: str) -> None:
    await Migrations("account").apply(database_url)
    await assert_tables_match(database_url, TABLES)
