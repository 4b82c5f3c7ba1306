"""What the account service does not keep: sessions that are long over, with their tokens, and old events of the audit log."""

from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest

from account.attempt_store import PostgresAttemptStore
from account.audit_store import PostgresAuditStore
from account.credential_store import PostgresCredentialStore
from account.device_store import PostgresDeviceStore
from account.domain import Account, AuditEvent, Purpose, Registration
from account.ports import AuditFilter
from account.retention import retentions
from account.session_domain import Session
from account.session_store import PostgresSessionStore
from account.settings import Settings
from account.store import PostgresAccountStore
from kit.db import Database, Migrations
from kit.settings import load
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, utc_now

__all__ = ["database_url", "postgres"]

_DAY = timedelta(days=1)


class World:
    """Sessions and the audit log on PostgreSQL."""

    def __init__(self, db: Database, account: Account) -> None:
        self.db = db
        self.account = account
        self.sessions = PostgresSessionStore(db)

    async def session(self, token: bytes, *, days_ago: int, ended: bool = False) -> UUID:
        begun = utc_now() - days_ago * _DAY
        session = Session.begin(self.account.id, begun, idle=14 * _DAY, absolute=90 * _DAY)
        async with self.db.transaction() as tx:
            await self.sessions.begin_session(tx, session, token)
            if ended:
                await self.sessions.end_session(tx, session.id, begun)
        return session.id

    async def prune(self) -> None:
        for job in retentions(self.db, load(Settings, {"PROFILE": "development"})):
            await job.prune()


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    await Migrations("account").apply(database_url)
    db = Database(database_url)
    await db.open()
    read = Registration.read(
        name="John", email="john@example.com", phone="", password="SecurePass123!", common=frozenset()
    )
    account, _ = Account.register(read, utc_now())
    async with db.transaction() as tx:
        await PostgresAccountStore(db).add(tx, account, "hash")
    yield World(db, account)
    await db.close()


async def test_sessions_go_a_month_after_they_ended_or_expired(world: World) -> None:
    ended = await world.session(b"ended", days_ago=31, ended=True)
    expired = await world.session(b"expired", days_ago=121)
    kept = [
        await world.session(b"lives", days_ago=31),
        await world.session(b"ended lately", days_ago=29, ended=True),
        await world.session(b"expired lately", days_ago=119),
    ]

    await world.prune()

    left = {row["id"] for row in await world.db.fetch("SELECT id FROM sessions")}
    tokens = {row["session_id"] for row in await world.db.fetch("SELECT session_id FROM refresh_tokens")}
    assert left == tokens == set(kept)
    assert not left & {ended, expired}


async def test_the_audit_log_goes_back_three_years(world: World) -> None:
    audit = PostgresAuditStore(world.db)
    async with world.db.transaction() as tx:
        for days in (1096, 1094):
            event = AuditEvent("account.test", None, ACCOUNT.new(), "console", f"{days} days ago")
            await audit.audit(tx, event, utc_now() - days * _DAY)

    await world.prune()

    left = await audit.audit_page(AuditFilter(), None, 10)
    assert [each.event.detail for each in left] == ["1094 days ago"]


async def test_links_devices_and_attempts_go_when_they_mean_nothing_any_more(world: World) -> None:
    now, account = utc_now(), world.account.id
    links, devices = PostgresCredentialStore(world.db), PostgresDeviceStore(world.db)
    attempts = PostgresAttemptStore(world.db)
    async with world.db.transaction() as tx:
        await links.keep_link(tx, Purpose.PASSWORD_RESET, account, b"over", now - _DAY, now - _DAY / 24)
        await links.keep_link(tx, Purpose.EMAIL_VERIFICATION, account, b"good", now, now + _DAY)
        await devices.keep_device(tx, account, b"old", now - 181 * _DAY, 20)
        await devices.keep_device(tx, account, b"known", now - 179 * _DAY, 20)
        await attempts.begin_guess(tx, "died", ["forgotten"], now - _DAY)
        await attempts.begin_guess(tx, "under way", ["compared"], now + _DAY)
    window = now - timedelta(minutes=16)
    await attempts.count_attempt(["over", "compared", "forgotten"], window, window - _DAY)
    await attempts.count_attempt(["open"], now, window)

    await world.prune()

    assert await links.link_owner(Purpose.EMAIL_VERIFICATION, b"good", now) == account
    assert await world.db.fetchval("SELECT count(*) FROM mailed_links") == 1
    assert await devices.devices_of(account) == [b"known"]
    assert [row["id"] for row in await world.db.fetch("SELECT id FROM guesses")] == ["under way"]
    subjects = {row["subject"] for row in await world.db.fetch("SELECT subject FROM login_attempts")}
    assert subjects == {"compared", "open"}
