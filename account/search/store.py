"""Reads accounts by their words. Account rows are written by `accounts.store`; only missing words are written here."""

from typing import Final

from account.accounts.domain import Account
from account.accounts.store import COLUMNS, account_of, sorted_words
from account.search.query import Query, read_query
from kit.db import Database, Transaction, WhereClause, bounded_count
from kit.errors import InvalidArgument
from kit.values import ACCOUNT, Position, exact_count

# PostgreSQL estimates that any prefix matches one account in fifty, and would prefer a sequential scan to the index.
_NO_SEQUENTIAL_SCAN: Final = "SET LOCAL enable_seqscan = off"
_NEWEST_FIRST: Final = "ORDER BY create_time DESC, id DESC"
# About 10 ms of reading. A word that does not fill a page from them is rare enough for its index.
_SCANNED_ACCOUNTS: Final = 2_000
_WITHOUT_WORDS = """
SELECT id, name, email, phone FROM accounts WHERE words IS NULL AND delete_time IS NULL
ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""
_SET_WORDS = "UPDATE accounts SET words = array_to_tsvector($2::text[]) WHERE id = $1"


class PostgresAccountSearchStore:
    """`ports.AccountSearchStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def page(self, query: str, after: Position | None, limit: int) -> list[Account]:
        """Keyset pagination, never an offset.

        PostgreSQL cannot distinguish a common prefix from a rare one, and would read all accounts for a rare one. So the newest
        accounts are scanned first, which suffices for a common word; only other words use the index.
        """
        where, words = _where(query)
        keyset = WhereClause()
        if after is not None:
            keyset.add("(create_time, id) < ({}, {})", *after)
        async with self._db.transaction() as tx:
            if words is None:
                return await self._page(tx, where, keyset, limit)
            await tx.execute(_NO_SEQUENTIAL_SCAN)
            accounts = await self._page(tx, where, keyset, limit, newest_with=words)
            if len(accounts) < limit:
                accounts = await self._page(tx, where, keyset, limit, all_with=words)
        return accounts

    async def count(self, query: str) -> int | None:
        """Stops reading at the limit of the count, except that matches of words are all read from their index."""
        where, words = _where(query)
        if words is not None:
            where.add("words @@ {}::text::tsquery", words)
        async with self._db.transaction() as tx:
            await tx.execute(_NO_SEQUENTIAL_SCAN)
            order = "" if words is not None else _NEWEST_FIRST
            rows = f"SELECT FROM accounts {where.sql} {order}"
            return exact_count(await tx.fetchval(bounded_count(rows), *where.args))

    async def index_words(self, tx: Transaction, limit: int) -> int:
        """Skips accounts that another replica is indexing."""
        rows = await tx.fetch(_WITHOUT_WORDS, limit)
        words = [(row["id"], sorted_words(row["name"], row["email"], row["phone"])) for row in rows]
        await tx.executemany(_SET_WORDS, words)
        return len(rows)

    async def _page(
        self,
        tx: Transaction,
        conditions: WhereClause,
        keyset: WhereClause,
        limit: int,
        *,
        newest_with: str = "",
        all_with: str = "",
    ) -> list[Account]:
        args, source, where = [*conditions.args], "accounts", conditions.sql
        if all_with:
            args.append(all_with)
            source = f"(SELECT * FROM accounts {where} AND words @@ ${len(args)}::text::tsquery OFFSET 0) AS matching"  # noqa: S608
            where = "WHERE true"
        if keyset.args:
            where += f" AND (create_time, id) < (${len(args) + 1}, ${len(args) + 2})"
            args += keyset.args
        if newest_with:
            args.append(newest_with)
            source = f"(SELECT * FROM accounts {where} {_NEWEST_FIRST} LIMIT {_SCANNED_ACCOUNTS:d}) AS newest"  # noqa: S608
            where = f"WHERE words @@ ${len(args)}::text::tsquery"
        sql = f"SELECT {COLUMNS} FROM {source} {where} {_NEWEST_FIRST} LIMIT {limit:d}"  # noqa: S608
        return [account_of(row) for row in await tx.fetch(sql, *args)]


def _where(query: str) -> tuple[WhereClause, str | None]:
    """The conditions on a row, and a tsquery for its words; None when any words match."""
    where = WhereClause()
    where.add("delete_time IS NULL")
    try:
        where.add("id = {}", ACCOUNT.parse(query.strip(), "query"))
        return where, None
    except InvalidArgument:
        pass  # words, not an id
    parsed = read_query(query) if query.strip() else []
    if parsed is None:
        where.add("false")
    return where, _tsquery(parsed) if parsed else None


def _tsquery(query: Query) -> str:
    """Words contain only letters and digits, so they need no escaping."""
    groups = (
        " | ".join("(" + " & ".join(f"'{word}':*" for word in words) + ")" for words in group)
        for group in query
    )
    return " & ".join(f"({group})" for group in groups)
