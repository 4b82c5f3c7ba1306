"""Limits on attempts within a window, and the state that is stored for them."""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from kit.values import secret_token

WINDOW: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class AttemptLimit:
    """A bucket for up to `limit` attempts of one kind by one subject, such as a network."""

    kind: str
    subject: str
    limit: int

    @property
    def key(self) -> str:
        """Identifies the bucket in the database, with a hash in place of the subject."""
        return self.kind + ":" + hashlib.sha256(self.subject.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Bucket:
    """The stored state of a bucket: wrong guesses in its window, and guesses that are being checked now."""

    failures: int
    guesses: int
    window_start: datetime


@dataclass(slots=True)
class Guess:
    """A password that is being checked; the checker sets `wrong`."""

    id: str = field(default_factory=secret_token)
    wrong: bool = False


def seconds_left(window_start: datetime, now: datetime) -> int:
    """Seconds until a window ends, at least 1."""
    return max(1, int((window_start + WINDOW - now).total_seconds()))
