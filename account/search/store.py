"""Reads accounts by their words. Account rows are written by `accounts.store`; only missing words are written here."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from account.accounts.domain import Account
from account.accounts.store import COLUMNS, account_of, sorted_words
from account.search.frequencies import FrequencyCache
from account.search.query import Query, read_query
from kit.db import Database, Transaction, WhereClause, bounded_count
from kit.errors import InvalidArgument
from kit.values import ACCOUNT, MAX_COUNT, Position, exact_count

# PostgreSQL estimates that any prefix matches one account in fifty, and would prefer a sequential scan to the index.
_NO_SEQUENTIAL_SCAN: Final = "SET LOCAL enable_seqscan = off"
_NEWEST_FIRST: Final = "ORDER BY create_time DESC, id DESC"
# 2 us each. A page of 101 is full before that when one account in a hundred matches, and a count exceeds its limit when nearly all do.
_SCANNED_ACCOUNTS: Final = 12_000
# Fewer matches than these are read from the index and sorted at once.
_MAX_SORTED: Final = 5_000
# Letters or digits. Each beginning of three may stand for thousands of different words.
_MIN_PREFIX: Final = 4
# The number of matches is an estimate from a sample.
_ESTIMATE_MARGIN: Final = 1.5
_WITHOUT_WORDS = """
SELECT id, name, email, phone FROM accounts WHERE words IS NULL AND delete_time IS NULL
ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""
_SET_WORDS = "UPDATE accounts SET words = array_to_tsvector($2::text[]) WHERE id = $1"


# A FROM clause with its conditions, and their arguments.
_Source = tuple[str, list[Any]]


@dataclass(frozen=True, slots=True)
class _Search:
    """What a query asks for: an account by its id, or words. Neither: all accounts, or none."""

    account_id: UUID | None = None
    words: Query = ()
    nothing: bool = False

    def conditions(self) -> WhereClause:
        """Those that need no index of words."""
        where = WhereClause()
        where.add("delete_time IS NULL AND NOT guest")
        if self.account_id is not None:
            where.add("id = {}", self.account_id)
        if self.nothing:
            where.add("false")
        return where


class PostgresAccountSearchStore:
    """`ports.AccountSearchStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._frequencies = FrequencyCache()

    async def page(self, query: str, after: Position | None, limit: int) -> list[Account]:
        """Keyset pagination, never an offset.

        Rare words are read from their index and sorted. For common ones the newest accounts are scanned first, which nearly always fills
        the page; the index would read every account that has the word.
        """
        search = _parse(query)
        async with self._db.transaction() as tx:
            if not search.words:
                return await self._page(tx, _all(search, after), limit)
            frequencies = await self._frequencies.get(tx)
            await tx.execute(_NO_SEQUENTIAL_SCAN)
            selective = frequencies.selective(search.words)
            matches = frequencies.matches(search.words)
            if matches > _MAX_SORTED or _may_match_nearly_all(selective, matches):
                accounts = await self._page(tx, _newest(search, after), limit)
                if len(accounts) == limit:
                    return accounts
            return await self._page(tx, _indexed(search, after, selective), limit)

    async def count(self, query: str) -> int | None:
        """Counts up to MAX_COUNT. Matches that are estimated far above that are not counted."""
        search = _parse(query)
        async with self._db.transaction() as tx:
            await tx.execute(_NO_SEQUENTIAL_SCAN)
            if not search.words:
                return await self._count(tx, _all(search, None), _NEWEST_FIRST)
            frequencies = await self._frequencies.get(tx)
            matches = frequencies.matches(search.words)
            # Of several groups, the number of accounts that match all is unknown.
            if len(search.words) == 1 and matches > MAX_COUNT * _ESTIMATE_MARGIN:
                return None
            selective = frequencies.selective(search.words)
            # Of few accounts, counting twice would cost more than it saves.
            guess = frequencies.accounts > 2 * MAX_COUNT and _may_match_nearly_all(selective, matches)
            if guess and await self._count(tx, _newest(search, None)) is None:
                return None
            return await self._count(tx, _indexed(search, None, selective))

    async def index_words(self, tx: Transaction, limit: int) -> int:
        """Skips accounts that another replica is indexing."""
        rows = await tx.fetch(_WITHOUT_WORDS, limit)
        words = [(row["id"], sorted_words(row["name"], row["email"], row["phone"])) for row in rows]
        await tx.executemany(_SET_WORDS, words)
        return len(rows)

    async def _page(self, tx: Transaction, source: _Source, limit: int) -> list[Account]:
        sql, args = source
        rows = await tx.fetch(f"SELECT {COLUMNS} FROM {sql} {_NEWEST_FIRST} LIMIT {limit:d}", *args)  # noqa: S608 - of constants
        return [account_of(row) for row in rows]

    async def _count(self, tx: Transaction, source: _Source, order: str = "") -> int | None:
        sql, args = source
        return exact_count(await tx.fetchval(bounded_count(f"SELECT FROM {sql} {order}"), *args))


def _may_match_nearly_all(selective: Query, matches: float) -> bool:
    """Whether the words are common, or are such short prefixes that the statistics of whole words say nothing about them."""
    words = [word for group in selective for alternative in group for word in alternative]
    return not words or (matches == 0 and all(len(word) < _MIN_PREFIX for word in words))


def _parse(query: str) -> _Search:
    if not query.strip():
        return _Search()
    try:
        return _Search(account_id=ACCOUNT.parse(query.strip(), "query"))
    except InvalidArgument:
        words = read_query(query)
        return _Search(words=words or (), nothing=words is None)


def _all(search: _Search, after: Position | None) -> _Source:
    where = search.conditions()
    if after is not None:
        where.add("(create_time, id) < ({}, {})", *after)
    return f"accounts {where.sql}", where.args


def _newest(search: _Search, after: Position | None) -> _Source:
    """The matches among the newest accounts."""
    source, args = _all(search, after)
    args = [*args, _tsquery(search.words)]
    newest = f"SELECT * FROM {source} {_NEWEST_FIRST} LIMIT {_SCANNED_ACCOUNTS:d}"  # noqa: S608 - of constants
    return f"({newest}) AS newest WHERE words @@ ${len(args)}::text::tsquery", args


def _indexed(search: _Search, after: Position | None, selective: Query) -> _Source:
    """The accounts that the index returns for the selective words, tested for all words. OFFSET 0 keeps the tests out of the index."""
    where = search.conditions()
    where.add("words @@ {}::text::tsquery", _tsquery(selective or search.words))
    inner = f"SELECT * FROM accounts {where.sql} OFFSET 0"  # noqa: S608 - of constants
    tests = f"words @@ {where.parameter(_tsquery(search.words))}::text::tsquery"
    if after is not None:
        time, account_id = map(where.parameter, after)
        tests += f" AND (create_time, id) < ({time}, {account_id})"
    return f"({inner}) AS matches WHERE {tests}", where.args


def _tsquery(query: Query) -> str:
    """Words contain only letters and digits, so they need no escaping."""
    groups = (
        " | ".join("(" + " & ".join(f"'{word}':*" for word in words) + ")" for words in group)
        for group in query
    )
    return " & ".join(f"({group})" for group in groups)
