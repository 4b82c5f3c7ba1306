"""The only reader and writer of counted attempts and of guesses."""

from collections.abc import Sequence
from datetime import datetime

from account.ports import Bucket
from kit.db import Database, Transaction

# A window that has passed begins again. Subjects are locked in order, so that two logins cannot deadlock.
_COUNT_ATTEMPT = """
INSERT INTO login_attempts AS l (subject, attempts, window_start)
SELECT subject, 1, $2 FROM unnest($1::text[]) AS s(subject) ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET
    attempts = CASE WHEN l.window_start < $3 THEN 1 ELSE l.attempts + 1 END,
    window_start = CASE WHEN l.window_start < $3 THEN $2 ELSE l.window_start END
RETURNING subject, attempts, window_start
"""
_FORGIVE_ATTEMPT = """
WITH locked AS (SELECT subject FROM login_attempts WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE)
UPDATE login_attempts SET attempts = attempts - 1 FROM locked
WHERE login_attempts.subject = locked.subject AND attempts > 0
"""
_FORGET_ATTEMPTS = """
WITH locked AS (SELECT subject FROM login_attempts WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE)
DELETE FROM login_attempts USING locked WHERE login_attempts.subject = locked.subject
"""
# Takes the rows' locks even where there was no row.
_LOCK_BUCKETS = """
INSERT INTO login_attempts AS l (subject, attempts, window_start)
SELECT subject, 0, $2 FROM unnest($1::text[]) AS s(subject) ORDER BY subject
ON CONFLICT (subject) DO UPDATE SET
    attempts = CASE WHEN l.window_start < $3 THEN 0 ELSE l.attempts END,
    window_start = CASE WHEN l.window_start < $3 THEN $2 ELSE l.window_start END
RETURNING subject, attempts, window_start
"""
# A statement of its own: only one that starts after the locks were taken sees what those who had them wrote.
_COUNT_GUESSES = """
SELECT subject, count(*) FROM guesses WHERE subject = ANY($1::text[]) AND expire_time > $2 GROUP BY subject
"""
_BEGIN_GUESS = "INSERT INTO guesses (subject, id, expire_time) SELECT unnest($1::text[]), $2, $3"
# The window begins with the first wrong guess.
_END_GUESS = """
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

    async def count_attempt(
        self, subjects: Sequence[str], now: datetime, window_start: datetime
    ) -> list[tuple[int, datetime]]:
        """Counts one attempt for each subject; answers each one's count and the start of its window, in order."""
        rows = await self._db.fetch(_COUNT_ATTEMPT, list(subjects), now, window_start)
        counted = {row["subject"]: (row["attempts"], row["window_start"]) for row in rows}
        return [counted[subject] for subject in subjects]

    async def forgive_attempt(self, subjects: Sequence[str]) -> None:
        """Takes one attempt of each subject back."""
        await self._db.execute(_FORGIVE_ATTEMPT, list(subjects))

    async def forget_attempts(self, subjects: Sequence[str]) -> None:
        """Takes all attempts of each subject back."""
        await self._db.execute(_FORGET_ATTEMPTS, list(subjects))

    async def lock_buckets(
        self, tx: Transaction, subjects: Sequence[str], now: datetime, window_start: datetime
    ) -> list[Bucket]:
        """Each subject's bucket, in order; locked until the transaction ends."""
        rows = {
            row["subject"]: row for row in await tx.fetch(_LOCK_BUCKETS, list(subjects), now, window_start)
        }
        guesses = {
            row["subject"]: row["count"] for row in await tx.fetch(_COUNT_GUESSES, list(subjects), now)
        }
        return [
            Bucket(rows[subject]["attempts"], guesses.get(subject, 0), rows[subject]["window_start"])
            for subject in subjects
        ]

    async def begin_guess(
        self, tx: Transaction, guess_id: str, subjects: Sequence[str], expire_time: datetime
    ) -> None:
        """Takes a place in the locked buckets."""
        await tx.execute(_BEGIN_GUESS, list(subjects), guess_id, expire_time)

    async def end_guess(
        self, guess_id: str, subjects: Sequence[str], now: datetime, window_start: datetime, *, wrong: bool
    ) -> None:
        """One statement, so that a wrong guess never leaves its place uncounted."""
        await self._db.execute(_END_GUESS, list(subjects), now, window_start, wrong, guess_id)
