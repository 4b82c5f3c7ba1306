"""Old rows are deleted: revoked and expired sessions with their tokens, events of the audit log, and expired rows of other kinds."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from account.accounts.domain import Account
from account.audit.domain import AuditEvent, AuditFilter
from account.links.domain import Purpose
from account.retention import retentions
from account.sessions.domain import Lifetimes, Session
from account.settings import Settings
from account.tests.stores import World, add_account, real
from kit.settings import load
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT, utc_now

__all__ = ["database_url", "postgres", "real"]

_DAY = timedelta(days=1)
_LIFETIMES = Lifetimes(14 * _DAY, 90 * _DAY)


class Database:
    """All stores on PostgreSQL, with one account."""

    def __init__(self, world: World, account: Account) -> None:
        self.db, self.store = world
        self.account = account

    async def session(self, token: bytes, *, days_ago: int, revoked: bool = False) -> UUID:
        started = utc_now() - days_ago * _DAY
        session = Session.start(self.account.id, started, _LIFETIMES)
        async with self.db.transaction() as tx:
            await self.store.add_session(tx, session, token)
            if revoked:
                await self.store.revoke_session(tx, session.id, started)
        return session.id

    async def prune(self) -> None:
        for job in retentions(self.db, load(Settings, {"PROFILE": "development"})):
            await job.prune()

    async def values(self, column: str, table: str) -> set[Any]:
        return {row[column] for row in await self.db.fetch(f"SELECT {column} FROM {table}")}


@pytest.fixture
async def database(real: World) -> Database:
    return Database(real, await add_account(real))


async def test_sessions_are_deleted_a_month_after_they_were_revoked_or_expired(database: Database) -> None:
    deleted = {
        await database.session(b"revoked", days_ago=31, revoked=True),
        await database.session(b"expired", days_ago=121),
    }
    retained = {
        await database.session(b"valid", days_ago=31),
        await database.session(b"recently revoked", days_ago=29, revoked=True),
        await database.session(b"recently expired", days_ago=119),
    }

    await database.prune()

    sessions = await database.values("id", "sessions")
    assert sessions == await database.values("session_id", "refresh_tokens") == retained
    assert not sessions & deleted


async def test_events_of_the_audit_log_are_kept_for_three_years(database: Database) -> None:
    async with database.db.transaction() as tx:
        for days in (1096, 1094):
            event = AuditEvent("account.test", None, ACCOUNT.new(), "console", f"{days} days ago")
            await database.store.add_event(tx, event, utc_now() - days * _DAY)

    await database.prune()

    records = await database.store.page_of_events(AuditFilter(), None, 10)
    assert [record.event.detail for record in records] == ["1094 days ago"]


async def test_expired_links_devices_and_attempts_are_deleted(database: Database) -> None:
    now, account, store = utc_now(), database.account.id, database.store
    async with database.db.transaction() as tx:
        await store.save_link(
            tx, Purpose.PASSWORD_RESET, account, b"expired", now - _DAY, now - timedelta(hours=1)
        )
        await store.save_link(tx, Purpose.EMAIL_VERIFICATION, account, b"valid", now, now + _DAY)
        await store.save_device(tx, account, b"old", now - 181 * _DAY, 20)
        await store.save_device(tx, account, b"known", now - 179 * _DAY, 20)
        await store.start_guess(tx, "crashed", ["forgotten"], now - _DAY)
        await store.start_guess(tx, "running", ["compared"], now + _DAY)
    window = now - timedelta(minutes=16)
    await store.count_attempts(["over", "compared", "forgotten"], window, window - _DAY)
    await store.count_attempts(["open"], now, window)

    await database.prune()

    assert await database.values("hash", "mailed_links") == {b"valid"}
    assert await store.devices_of(account) == [b"known"]
    assert await database.values("id", "guesses") == {"running"}
    assert await database.values("subject", "login_attempts") == {"compared", "open"}
