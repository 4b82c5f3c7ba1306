"""The only reader and writer of accounts. Sessions, credentials and the audit log have stores of their own, on the same database."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from account.domain import Account
from account.errors import EmailTaken
from account.search import Query, read_query, words_of
from kit.auth import Role
from kit.db import Database, Record, Transaction, WhereClause, bounded_count
from kit.errors import InvalidArgument
from kit.values import ACCOUNT, Position, exact_count

COLUMNS: Final = "id, name, email, phone, role, email_verified, create_time, update_time"

_ADD = """
INSERT INTO accounts (id, name, email, phone, role, email_verified, password_hash, create_time, update_time, words)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, array_to_tsvector($10::text[]))
ON CONFLICT (email) WHERE delete_time IS NULL DO NOTHING RETURNING id
"""
_UPDATE = """
UPDATE accounts SET name = $2, phone = $3, role = $4, email_verified = $5, update_time = $6, words = array_to_tsvector($7::text[])
WHERE id = $1
"""
# NO KEY: sessions that refer to the account may be written meanwhile.
_LOCK = (
    f"SELECT {COLUMNS}, password_hash FROM accounts WHERE id = $1 AND delete_time IS NULL FOR NO KEY UPDATE"  # noqa: S608
)
_LOCK_BY_EMAIL = f"SELECT {COLUMNS} FROM accounts WHERE email = $1 AND delete_time IS NULL FOR NO KEY UPDATE"  # noqa: S608
_ADMINS = "SELECT id FROM accounts WHERE role = 'ADMIN' AND delete_time IS NULL ORDER BY id"
_GET_MANY = f"SELECT {COLUMNS} FROM accounts WHERE id = ANY($1::uuid[]) AND delete_time IS NULL"  # noqa: S608
# It takes every beginning of a word for one of fifty accounts, and would rather read them all than an index.
_NO_SCAN = "SET LOCAL enable_seqscan = off"
_NEWEST_FIRST: Final = "ORDER BY create_time DESC, id DESC"
# Some 10 ms of reading; a word that fills no page from them is rare enough for its index.
_LOOKED_THROUGH: Final = 2_000
_WITHOUT_WORDS = """
SELECT id, name, email, phone FROM accounts WHERE words IS NULL AND delete_time IS NULL
ORDER BY id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED
"""
_SET_WORDS = "UPDATE accounts SET words = array_to_tsvector($2::text[]) WHERE id = $1"
_ERASE = """
WITH gone AS (
    UPDATE accounts SET name = '', email = '', phone = '', password_hash = '', role = 'USER', email_verified = false,
        update_time = $2, delete_time = $2, words = NULL
    WHERE id = $1
), tokens AS (
    DELETE FROM refresh_tokens USING sessions WHERE session_id = sessions.id AND account_id = $1
), known AS (
    DELETE FROM devices WHERE account_id = $1
)
DELETE FROM mailed_links WHERE account_id = $1
"""
_FORGET_TOLD = """
DELETE FROM outbox WHERE key = $1 AND type NOT IN ('souk.account.v1.AccountDeleted', 'souk.account.v1.SessionEnded')
"""


class PostgresAccountStore:
    """`ports.AccountStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, tx: Transaction, account: Account, password_hash: str) -> None:
        """Raises EmailTaken."""
        added = await tx.fetchval(
            _ADD,
            account.id,
            account.name,
            account.email,
            account.phone,
            account.role.value,
            account.email_verified,
            password_hash,
            account.create_time,
            account.update_time,
            _words(account.name, account.email, account.phone),
        )
        if added is None:
            raise EmailTaken()

    async def update(self, tx: Transaction, account: Account) -> None:
        """Writes name, phone, role, whether the address is proven, and times."""
        await tx.execute(
            _UPDATE,
            account.id,
            account.name,
            account.phone,
            account.role.value,
            account.email_verified,
            account.update_time,
            _words(account.name, account.email, account.phone),
        )

    async def lock(self, tx: Transaction, account_id: UUID) -> tuple[Account, str] | None:
        """A living account and its password hash, locked."""
        row = await tx.fetchrow(_LOCK, account_id)
        return (account_of(row), row["password_hash"]) if row else None

    async def lock_by_email(self, tx: Transaction, email: str) -> Account | None:
        """The living account of an address, locked."""
        row = await tx.fetchrow(_LOCK_BY_EMAIL, email)
        return account_of(row) if row else None

    async def lock_admins(self, tx: Transaction) -> set[UUID]:
        """In order of ids, so that two cannot deadlock; who is an ADMIN no longer once it is locked is left out."""
        return {row["id"] for row in await tx.fetch(_ADMINS + " FOR NO KEY UPDATE")}

    async def admins(self) -> set[UUID]:
        """The living ADMINs."""
        return {row["id"] for row in await self._db.fetch(_ADMINS)}

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        """The living accounts among the ids."""
        return [account_of(row) for row in await self._db.fetch(_GET_MANY, list(ids))]

    async def page(self, query: str, after: Position | None, limit: int) -> list[Account]:
        """By keyset, never by offset.

        PostgreSQL cannot tell a common word from a rare one by its beginning, and would read all accounts for a rare one. So the newest
        accounts are looked through first, which suffices for a common word, and the words' index is read for the others.
        """
        asked, words = _conditions(query)
        keyset = WhereClause()
        if after is not None:
            keyset.add("(create_time, id) < ({}, {})", *after)
        async with self._db.transaction() as tx:
            if words is None:
                return await self._page(tx, asked, keyset, limit)
            await tx.execute(_NO_SCAN)
            found = await self._page(tx, asked, keyset, limit, newest_with=words)
            if len(found) < limit:
                found = await self._page(tx, asked, keyset, limit, all_with=words)
        return found

    async def count(self, query: str) -> int | None:
        """Reads no more than it counts, but for words, whose index is read first."""
        asked, words = _conditions(query)
        if words is not None:
            asked.add("words @@ {}::text::tsquery", words)
        async with self._db.transaction() as tx:
            await tx.execute(_NO_SCAN)
            order = "" if words is not None else _NEWEST_FIRST
            rows = f"SELECT FROM accounts {asked.sql} {order}"
            return exact_count(await tx.fetchval(bounded_count(rows), *asked.args))

    async def _page(
        self,
        tx: Transaction,
        asked: WhereClause,
        keyset: WhereClause,
        limit: int,
        *,
        newest_with: str = "",
        all_with: str = "",
    ) -> list[Account]:
        args, source, where = [*asked.args], "accounts", asked.sql
        if all_with:
            args.append(all_with)
            source = (
                f"(SELECT * FROM accounts {where} AND words @@ ${len(args)}::text::tsquery OFFSET 0) AS found"  # noqa: S608
            )
            where = "WHERE true"
        if keyset.args:
            where += f" AND (create_time, id) < (${len(args) + 1}, ${len(args) + 2})"
            args += keyset.args
        if newest_with:
            args.append(newest_with)
            source = f"(SELECT * FROM accounts {where} {_NEWEST_FIRST} LIMIT {_LOOKED_THROUGH:d}) AS newest"  # noqa: S608
            where = f"WHERE words @@ ${len(args)}::text::tsquery"
        sql = f"SELECT {COLUMNS} FROM {source} {where} {_NEWEST_FIRST} LIMIT {limit:d}"  # noqa: S608
        return [account_of(row) for row in await tx.fetch(sql, *args)]

    async def add_words(self, tx: Transaction, limit: int) -> int:
        """Of rows that were written without them."""
        rows = await tx.fetch(_WITHOUT_WORDS, limit)
        words = [(row["id"], _words(row["name"], row["email"], row["phone"])) for row in rows]
        await tx.executemany(_SET_WORDS, words)
        return len(rows)

    async def erase(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """The row stays for those that refer to it, with nothing of the person in it."""
        await tx.execute(_ERASE, account_id, now)

    async def forget_told(self, tx: Transaction, account_id: UUID) -> None:
        """What tells nothing of the person stays."""
        await tx.execute(_FORGET_TOLD, ACCOUNT.format(account_id))


def account_of(row: Record) -> Account:
    """The account of a row that has COLUMNS."""
    return Account(
        id=row["id"],
        name=row["name"],
        email=row["email"],
        phone=row["phone"],
        role=Role(row["role"]),
        email_verified=row["email_verified"],
        create_time=row["create_time"],
        update_time=row["update_time"],
    )


def _conditions(query: str) -> tuple[WhereClause, str | None]:
    """What a row must be, and the words that it must have, as a tsquery; None: any."""
    asked = WhereClause()
    asked.add("delete_time IS NULL")
    try:
        asked.add("id = {}", ACCOUNT.parse(query.strip(), "query"))
        return asked, None
    except InvalidArgument:
        pass  # not an id: words
    wanted = read_query(query) if query.strip() else []
    if wanted is None:
        asked.add("false")
    return asked, _tsquery(wanted) if wanted else None


def _words(name: str, email: str, phone: str) -> list[str]:
    return sorted(words_of(name, email, phone))


def _tsquery(query: Query) -> str:
    """Words are of letters and digits alone, so that nothing in them is an operator of the query language."""
    groups = (
        " | ".join("(" + " & ".join(f"'{word}':*" for word in words) + ")" for words in group)
        for group in query
    )
    return " & ".join(f"({group})" for group in groups)
