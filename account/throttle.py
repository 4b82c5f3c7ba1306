"""Brakes: how often something may be tried within 15 minutes. They count in the database, so that all replicas see them.

Whom an attempt counts for is kept as a digest only.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from account.ports import CredentialStore
from kit.values import Clock

WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Brake:
    """At most so many attempts of one kind for one subject, such as an address."""

    kind: str
    subject: str
    most: int

    @property
    def key(self) -> str:
        """Stands for the subject, without telling it."""
        return self.kind + ":" + hashlib.sha256(self.subject.encode("utf-8", "surrogatepass")).hexdigest()


class Throttle:
    """Counts attempts."""

    def __init__(self, store: CredentialStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def waits(self, brakes: Sequence[Brake]) -> list[int]:
        """Counts an attempt for each; answers for each the seconds until it allows another, 0 when it allows this one."""
        now = self._clock()
        counted = await self._store.count_attempt([brake.key for brake in brakes], now, now - WINDOW)
        return [
            max(1, int((start + WINDOW - now).total_seconds())) if count > brake.most else 0
            for brake, (count, start) in zip(brakes, counted, strict=True)
        ]

    async def forgive(self, brakes: Sequence[Brake]) -> None:
        """Takes one attempt of each back."""
        await self._store.forgive_attempt([brake.key for brake in brakes])

    async def release(self, brakes: Sequence[Brake]) -> None:
        """Takes all attempts of each back."""
        await self._store.forget_attempts([brake.key for brake in brakes])
