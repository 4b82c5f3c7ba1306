"""Plans of statements that were made while their tables were small, and are kept while these grow."""

from collections.abc import AsyncIterator

import pytest

from kit.db import Database
from kit.testing.fixtures import database_url, postgres
from kit.testing.rows_read import rows_read

__all__ = ["database_url", "postgres"]

_WAITING = "SELECT count(*) FROM orders WHERE account = $1 AND waiting"
_PAY = "UPDATE orders o SET waiting = false FROM unnest($1::int[]) AS paid(id) WHERE o.id = paid.id"


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Database]:
    db = Database(database_url, pool_size=1)
    await db.open()
    await db.execute("CREATE TABLE orders (id int PRIMARY KEY, account int, waiting bool)")
    await db.execute("ALTER TABLE orders SET (autovacuum_enabled = off)")
    await db.execute("CREATE INDEX orders_waiting ON orders (account) WHERE waiting")
    yield db
    await db.close()


async def _add(db: Database, first: int, last: int, *, waiting: bool) -> None:
    sql = "INSERT INTO orders SELECT n, n % 100, $3 FROM generate_series($1::int, $2::int) AS n"
    await db.execute(sql, first, last, waiting)


async def test_a_plan_made_on_an_empty_table_does_not_read_the_whole_table_later(db: Database) -> None:
    await db.execute("ANALYZE orders")
    assert await db.fetchval(_WAITING, 7) == 0
    await _add(db, 1, 5_000, waiting=True)
    before = await rows_read(db)

    assert await db.fetchval(_WAITING, 7) == 50

    assert await rows_read(db) - before <= 50


async def test_rows_are_looked_up_by_their_keys_with_a_plan_made_on_a_small_table(db: Database) -> None:
    await _add(db, 1, 200, waiting=False)
    await db.execute("ANALYZE orders")
    await db.execute(_PAY, [1, 2])
    await _add(db, 201, 5_000, waiting=True)
    before = await rows_read(db)

    assert await db.execute(_PAY, [4_000, 4_001]) == "UPDATE 2"

    assert await rows_read(db) - before <= 10
