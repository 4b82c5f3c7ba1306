"""The real servers start, keep their data over a restart, and stop."""

import asyncpg
import pytest

from kit.testing import Postgres, Redis
from kit.testing.fixtures import database_url, postgres, redis

__all__ = ["database_url", "postgres", "redis"]


async def test_a_database_of_its_own_is_empty(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()


async def test_data_survives_a_kill(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = Postgres(tmp_path_factory.mktemp("durable"))
    server.start()
    connection = await asyncpg.connect(server.url())
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    server.kill()
    server.start()
    connection = await asyncpg.connect(server.url())
    assert await connection.fetchval("SELECT one FROM kept") == 1
    await connection.close()
    server.stop()


def test_redis_answers_and_comes_back(redis: Redis) -> None:
    assert redis.ready()
    redis.stop()
    assert not redis.ready()
    redis.start()
    assert redis.ready()
