"""A service's database as its tests need it: with every migration applied, and open."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kit.db import Database, Migrations
from kit.db.outbox import OutboxEncoder


@asynccontextmanager
async def migrated(
    url: str, service: str, *, publishes: OutboxEncoder | None = None, pool_size: int = 5
) -> AsyncIterator[Database]:
    """The database at `url` with the tables of `service`; closed at the end."""
    await Migrations(service).apply(url)
    db = Database(url, publishes=publishes, pool_size=pool_size)
    await db.open()
    try:
        yield db
    finally:
        await db.close()
