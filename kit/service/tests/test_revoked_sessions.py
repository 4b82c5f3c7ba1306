"""A service learns of revoked sessions, including those revoked before it started, on a real Kafka."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from souk.account.v1 import events_pb2 as pb

from kit.auth import RevokedSessions
from kit.db import Database, Migrations
from kit.events import Relay, Topic, ensure_topics
from kit.service.revoked_sessions import TOPIC, RevokedSessionsListener
from kit.testing import Kafka, eventually
from kit.testing.fixtures import database_url, kafka, postgres
from kit.values import ACCOUNT, SESSION, timestamp_to_proto, utc_now

__all__ = ["database_url", "kafka", "postgres"]


@dataclass(frozen=True)
class Ended:
    """An event as the account service publishes it."""

    session_id: UUID


def message(event: Ended) -> tuple[str, Any]:
    account_id, expires = ACCOUNT.format(ACCOUNT.new()), utc_now() + timedelta(minutes=15)
    return account_id, pb.SessionEnded(
        session_id=SESSION.format(event.session_id),
        account_id=account_id,
        tokens_expire_time=timestamp_to_proto(expires),
    )


@pytest.fixture
async def db(database_url: str, kafka: Kafka) -> AsyncIterator[Database]:
    await Migrations("kit.db").apply(database_url)
    await asyncio.to_thread(ensure_topics, kafka.bootstrap(), [TOPIC])
    db = Database(database_url, publishes=Topic(TOPIC, {Ended: message}))
    await db.open()
    relay = Relay(db, kafka.bootstrap())
    await relay.open()
    yield db
    await relay.close()
    await db.close()


async def end(db: Database) -> UUID:
    session_id = SESSION.new()
    async with db.transaction() as tx:
        await tx.emit(Ended(session_id))
    return session_id


async def test_a_service_learns_of_sessions_revoked_before_and_after_its_start(
    db: Database, kafka: Kafka
) -> None:
    before = await end(db)
    await eventually(lambda: db.fetchval("SELECT bool_and(published_at IS NOT NULL) FROM outbox"), seconds=20)
    ended = RevokedSessions()
    news = RevokedSessionsListener(kafka.bootstrap(), ended)
    await news.open()
    await news.wait_until_caught_up(20)
    assert before in ended

    after = await end(db)
    await eventually(lambda: after in ended, seconds=5)
    await news.close()


async def test_a_service_starts_without_kafka(caplog: pytest.LogCaptureFixture) -> None:
    news = RevokedSessionsListener("127.0.0.1:1", RevokedSessions())
    await news.open()
    await news.wait_until_caught_up(0.01)
    await news.close()
    assert "revoked_sessions.not_caught_up" in caplog.text
