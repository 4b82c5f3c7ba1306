"""The contract of the search's store."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

from account.accounts.domain import Account
from account.search.store import PostgresAccountSearchStore
from account.tests.stores import NOW, World, add_account, new_account, real, world
from kit.db import Database, Transaction
from kit.testing.copy_rows import copy_rows
from kit.testing.fixtures import database_url, postgres
from kit.values import ACCOUNT

__all__ = ["database_url", "postgres", "real", "world"]


async def test_accounts_are_found_by_the_beginnings_of_words(world: World) -> None:
    store = world[1]
    await add_account(world, "zoe.mueller@example.com", "Zoë Müller")
    await add_account(world, "john_smith+shop@mail.example", "John O'Neill-Smith", "+41441234567")
    jane = await add_account(world, "jane@example.com", "Jane")

    async def names(query: str) -> set[str]:
        return {account.name.split()[0] for account in await store.page(query, None, 10)}

    assert await names("") == {"Zoë", "John", "Jane"}
    assert await names("MÜL") == {"Zoë"}
    assert await names("smith joh") == {"John"}
    assert await names("4144123") == {"John"}
    assert await names("example.com") == {"Zoë", "Jane"}
    assert await names("jane smith") == set()
    assert await names("oe") == set()
    assert await names(f" {ACCOUNT.format(jane.id)} ") == {"Jane"}
    assert await names("044 123 45") == {"John"}
    assert await names("muller") == {"Zoë"}
    assert await names("ONeill") == {"John"}
    assert await names("' & | ! :* ( \\") == set()
    assert await names("\U0001f984") == set()
    assert await store.count("-") == 0
    assert await store.count("example.com") == 2


async def test_accounts_are_paged_newest_first(world: World) -> None:
    db, store = world
    accounts = []
    for number in range(5):
        account = replace(
            new_account(f"john{number}@example.com"), create_time=NOW + timedelta(seconds=number // 2)
        )
        async with db.transaction() as tx:
            await store.add(tx, account, "hash")
        accounts.append(account)
    expected = sorted(accounts, key=lambda account: (account.create_time, account.id), reverse=True)
    paged: list[Account] = []
    while page := await store.page("", (paged[-1].create_time, paged[-1].id) if paged else None, 2):
        paged += page
    assert paged == expected


async def test_a_changed_name_replaces_the_previous_one_in_the_search(world: World) -> None:
    db, store = world
    account = await add_account(world)
    async with db.transaction() as tx:
        await store.update(tx, replace(account, name="Zoë", phone="+41441234567"))
    assert [len(await store.page(query, None, 10)) for query in ("zoe", "1234567", "johnny")] == [1, 1, 0]


async def test_missing_words_are_written(real: World) -> None:
    db, store = real
    account = await add_account(real)
    await db.execute("UPDATE accounts SET words = NULL")
    assert await store.page("john", None, 10) == []
    async with db.transaction() as tx:
        assert await store.index_words(tx, 10) == 1
        assert await store.index_words(tx, 10) == 0
    assert await store.page("john", None, 10) == [account]


async def test_accounts_are_counted_exactly_up_to_ten_thousand(real: World) -> None:
    db, store = real
    await add_account(real)
    for more, expected in ((9_999, 10_000), (1, None)):
        await copy_rows(db, "accounts", more, id="gen_random_uuid()", email=f"{more} || 'of' || n")
        assert [await store.count(query) for query in ("", "john")] == [expected] * 2


async def test_a_search_reads_an_index(real: World) -> None:
    db, _ = real
    for first in range(1, 100_000, 10_000):
        await db.execute(
            "INSERT INTO accounts SELECT gen_random_uuid(), 'Name' || n, 'mail' || n || '@example.com', '', 'USER', false, '', now(), "
            "now(), NULL, array_to_tsvector(ARRAY['name' || n, 'mail' || n, 'example', 'com', '4144' || 1000000 + n]) "
            "FROM generate_series($1::int, $2::int) AS n",
            first,
            first + 9_999,
        )
    await db.execute("VACUUM ANALYZE accounts")
    plans: list[str] = []

    class ExplainingDatabase:
        """Records the plan of each query."""

        @asynccontextmanager
        async def transaction(self) -> AsyncIterator[Any]:
            async with db.transaction() as tx:
                yield SimpleNamespace(execute=tx.execute, fetchrow=tx.fetchrow, fetch=partial(self.fetch, tx))

        async def fetch(self, tx: Transaction, sql: str, *args: Any) -> list[Any]:
            rows = await tx.fetch(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", *args)
            plans.append("\n".join(row["QUERY PLAN"] for row in rows))
            return await tx.fetch(sql, *args)

    store = PostgresAccountSearchStore(cast("Database", ExplainingDatabase()))
    for query, index, count in (
        ("name77777", "accounts_by_words", 1),
        ("+41 44 107 77 77", "accounts_by_words", 1),
        ("mail77777 name77777", "accounts_by_words", 1),
        ("mail77777@example.com", "accounts_by_words", 1),
        ("example", "accounts_newest", 21),
        ("example.com", "accounts_newest", 21),
    ):
        assert len(await store.page(query, None, 21)) == count
        assert index in plans[-1], plans[-1]
        assert not any("Seq Scan" in plan for plan in plans), plans
        # Not the 100,000 entries of "example" and "com".
        assert all(
            int(rows) < 20_000 for plan in plans for rows in re.findall(r"actual .*? rows=(\d+)", plan)
        ), plans
        # For a run with --test_output=all.
        print(query, [plan.splitlines()[-1] for plan in plans])
        plans.clear()
