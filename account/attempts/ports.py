"""What limits need from their store. A method without `tx` is a single statement. Keys come from `AttemptLimit.key`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from account.attempts.domain import Bucket
from kit.db import Transaction


class AttemptStore(Protocol):
    """Counted attempts, and guesses that are being checked."""

    async def count_attempts(
        self, keys: Sequence[str], now: datetime, window_start: datetime
    ) -> list[tuple[int, datetime]]:
        """Counts one attempt in each bucket; returns count and start of the window of each, in order."""

    async def refund_attempts(self, keys: Sequence[str]) -> None:
        """Subtracts one attempt from each bucket."""

    async def reset_attempts(self, keys: Sequence[str]) -> None:
        """Empties the buckets."""

    async def lock_buckets(
        self, tx: Transaction, keys: Sequence[str], now: datetime, window_start: datetime
    ) -> list[Bucket]:
        """The buckets in order, locked until the transaction ends."""

    async def start_guess(
        self, tx: Transaction, guess_id: str, keys: Sequence[str], expire_time: datetime
    ) -> None:
        """Takes a place in each locked bucket until `finish_guess` or `expire_time`."""

    async def finish_guess(
        self, guess_id: str, keys: Sequence[str], now: datetime, window_start: datetime, *, wrong: bool
    ) -> None:
        """Frees the places, and counts a wrong guess in each bucket."""
