"""Runs a whole service in the process of its test."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit.events import ensure_topics
from kit.service import Service
from kit.service.lifecycle import Lifecycle
from kit.service.serving import serve
from kit.testing.conditions import eventually
from kit.testing.jvm import Kafka
from kit.web.health import Phase


@asynccontextmanager
async def running_service(service: Service, database_url: str, kafka: Kafka) -> AsyncIterator[None]:
    """Migrates an empty database, creates the topics, and serves until the block ends."""
    assert service.migrations
    await service.migrations.apply(database_url)
    await asyncio.to_thread(ensure_topics, kafka.bootstrap(), service.topics())
    failures: list[str] = []
    lifecycle, stopped = Lifecycle(service, lambda: failures.append("start")), asyncio.Event()
    serving = asyncio.create_task(serve(lifecycle, stopped))
    try:
        await eventually(lambda: lifecycle.readiness.phase is Phase.SERVING or failures, seconds=30)
        assert not failures
        yield
    finally:
        stopped.set()
        await serving
