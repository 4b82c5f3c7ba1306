"""The fake of the port of attempts."""

from collections.abc import Sequence
from datetime import datetime

from account.attempts.domain import Bucket
from account.tests.rows import Rows
from kit.db import Transaction


class FakeAttemptStore(Rows):
    """In memory."""

    async def count_attempts(
        self, keys: Sequence[str], now: datetime, window_start: datetime
    ) -> list[tuple[int, datetime]]:
        for key in keys:
            count, start = self.attempts.get(key, (0, now))
            self.attempts[key] = (1, now) if start < window_start else (count + 1, start)
        return [self.attempts[key] for key in keys]

    async def refund_attempts(self, keys: Sequence[str]) -> None:
        for key in keys:
            count, start = self.attempts[key]
            self.attempts[key] = (max(0, count - 1), start)

    async def reset_attempts(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.attempts.pop(key, None)

    async def lock_buckets(
        self, tx: Transaction, keys: Sequence[str], now: datetime, window_start: datetime
    ) -> list[Bucket]:
        buckets = []
        for key in keys:
            count, start = self.attempts.get(key, (0, now))
            if start < window_start:
                count, start = 0, now
            self.attempts[key] = (count, start)
            guesses = [row for row in self.guesses.values() if key in row[0] and row[1] > now]
            buckets.append(Bucket(count, len(guesses), start))
        return buckets

    async def start_guess(
        self, tx: Transaction, guess_id: str, keys: Sequence[str], expire_time: datetime
    ) -> None:
        self.guesses[guess_id] = (keys, expire_time)

    async def finish_guess(
        self, guess_id: str, keys: Sequence[str], now: datetime, window_start: datetime, *, wrong: bool
    ) -> None:
        self.guesses.pop(guess_id, None)
        for key in keys if wrong else ():
            if key in self.attempts:
                count, start = self.attempts[key]
                self.attempts[key] = (1, now) if not count or start < window_start else (count + 1, start)
