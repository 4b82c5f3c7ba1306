"""The only reader and writer of the tables `login_attempts` and `guesses`.

Statements lock buckets in the order of their keys, so that concurrent logins cannot deadlock.
"""

from collections.abc import Sequence
from datetime import datetime

from account.attempts.domain import Bucket
from kit.db import Database, Transaction

# An expired window starts again.
_COUNT_ATTEMPTS = """
INSERT INTO login_attempts AS l (subject, attempts, window_start)
SELECT subject, 1, $2 FROM unnest($1::text[]) AS s(subject) ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET
    attempts = CASE WHEN l.window_start < $3 THEN 1 ELSE l.attempts + 1 END,
    window_start = CASE WHEN l.window_start < $3 THEN $2 ELSE l.window_start END
RETURNING subject, attempts, window_start
"""
_REFUND_ATTEMPTS = """
WITH locked AS (SELECT subject FROM login_attempts WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE)
UPDATE login_attempts SET attempts = attempts - 1 FROM locked
WHERE login_attempts.subject = locked.subject AND attempts > 0
"""
_RESET_ATTEMPTS = """
WITH locked AS (SELECT subject FROM login_attempts WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE)
DELETE FROM login_attempts USING locked WHERE login_attempts.subject = locked.subject
"""
# An upsert, because a bucket without a row must be locked too.
_LOCK_BUCKETS = """
INSERT INTO login_attempts AS l (subject, attempts, window_start)
SELECT subject, 0, $2 FROM unnest($1::text[]) AS s(subject) ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET
    attempts = CASE WHEN l.window_start < $3 THEN 0 ELSE l.attempts END,
    window_start = CASE WHEN l.window_start < $3 THEN $2 ELSE l.window_start END
RETURNING subject, attempts, window_start
"""
# A separate statement: its snapshot must be taken after the locks, to include what their previous holders wrote.
_COUNT_GUESSES = """
SELECT subject, count(*) FROM guesses WHERE subject = ANY($1::text[]) AND expire_time > $2 GROUP BY subject
"""
_START_GUESS = "INSERT INTO guesses (subject, id, expire_time) SELECT unnest($1::text[]), $2, $3"
# One statement, so that a wrong guess cannot free its place without being counted. The window starts with the first wrong guess.
_FINISH_GUESS = """
WITH locked AS (
    SELECT subject FROM login_attempts WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE
), counted AS (
    UPDATE login_attempts l SET
        attempts = CASE WHEN l.window_start < $3 THEN 1 ELSE l.attempts + 1 END,
        window_start = CASE WHEN l.attempts = 0 OR l.window_start < $3 THEN $2 ELSE l.window_start END
    FROM locked WHERE l.subject = locked.subject AND $4
)
DELETE FROM guesses WHERE id = $5
"""


class PostgresAttemptStore:
    """`ports.AttemptStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def count_attempts(
        self, keys: Sequence[str], now: datetime, window_start: datetime
    ) -> list[tuple[int, datetime]]:
        """Counts one attempt in each bucket; returns count and start of the window of each, in order."""
        rows = await self._db.fetch(_COUNT_ATTEMPTS, list(keys), now, window_start)
        counts = {row["subject"]: (row["attempts"], row["window_start"]) for row in rows}
        return [counts[key] for key in keys]

    async def refund_attempts(self, keys: Sequence[str]) -> None:
        """Subtracts one attempt from each bucket."""
        await self._db.execute(_REFUND_ATTEMPTS, list(keys))

    async def reset_attempts(self, keys: Sequence[str]) -> None:
        """Empties the buckets."""
        await self._db.execute(_RESET_ATTEMPTS, list(keys))

    async def lock_buckets(
        self, tx: Transaction, keys: Sequence[str], now: datetime, window_start: datetime
    ) -> list[Bucket]:
        """The buckets in order, locked until the transaction ends."""
        locked = await tx.fetch(_LOCK_BUCKETS, list(keys), now, window_start)
        counted = await tx.fetch(_COUNT_GUESSES, list(keys), now)
        rows = {row["subject"]: row for row in locked}
        guesses = {row["subject"]: row["count"] for row in counted}
        return [Bucket(rows[key]["attempts"], guesses.get(key, 0), rows[key]["window_start"]) for key in keys]

    async def start_guess(
        self, tx: Transaction, guess_id: str, keys: Sequence[str], expire_time: datetime
    ) -> None:
        """Takes a place in each locked bucket."""
        await tx.execute(_START_GUESS, list(keys), guess_id, expire_time)

    async def finish_guess(
        self, guess_id: str, keys: Sequence[str], now: datetime, window_start: datetime, *, wrong: bool
    ) -> None:
        """Frees the places, and counts a wrong guess in each bucket."""
        await self._db.execute(_FINISH_GUESS, list(keys), now, window_start, wrong, guess_id)
