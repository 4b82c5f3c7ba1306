"""pytest fixtures: real servers on free ports, started once per test target, and a separate database for each test.

A test module imports the fixtures that it uses (`from kit.testing.fixtures import database_url, postgres`).
"""

from collections.abc import AsyncIterator, Iterator
from uuid import uuid4

import asyncpg
import pytest

from kit.testing.jvm import Elasticsearch, Kafka
from kit.testing.servers import Postgres, Redis


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """PostgreSQL without fsync."""
    server = Postgres(tmp_path_factory.mktemp("postgresql"), durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def database_url(postgres: Postgres) -> AsyncIterator[str]:
    """The URL of an empty database."""
    name = f"test_{uuid4().hex}"
    connection = await asyncpg.connect(postgres.url())
    await connection.execute(f"CREATE DATABASE {name}")
    yield postgres.url(name)
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """Redis."""
    server = Redis(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    """Kafka; the target needs `@kafka//:server` in its data."""
    server = Kafka(tmp_path_factory.mktemp("kafka"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def elasticsearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elasticsearch]:
    """Elasticsearch; the target needs `@elasticsearch//:server` in its data."""
    server = Elasticsearch(tmp_path_factory.mktemp("elasticsearch"))
    server.start()
    yield server
    server.stop()
