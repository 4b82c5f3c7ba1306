"""Sessions and their refresh tokens: when they last, when they end, and what a repeated token means."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from kit.values import SESSION

# A lost answer or a second tab repeats a token that was just used; a thief comes later.
REPEAT: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session has ended; the last of its access tokens expires at `tokens_expire_time`."""

    session_id: UUID
    account_id: UUID
    tokens_expire_time: datetime


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. `expire_time`: when it ends whatever happens; `refresh_expire_time`: when its token ends unless used."""

    id: UUID
    account_id: UUID
    create_time: datetime
    expire_time: datetime
    refresh_expire_time: datetime

    @classmethod
    def begin(cls, account_id: UUID, now: datetime, *, idle: timedelta, absolute: timedelta) -> "Session":
        """A fresh session that lasts `absolute`, and `idle` unless it is refreshed."""
        return cls(SESSION.new(), account_id, now, now + absolute, min(now + idle, now + absolute))


class Use(Enum):
    """What presenting a refresh token comes to."""

    FRESH = "FRESH"
    REPEATED = "REPEATED"
    EXPIRED = "EXPIRED"
    STOLEN = "STOLEN"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token as it is found: its session's state, whether it was used, and whether what came of it was.

    Tokens of a session form a tree: each knows the one that it was given for.
    """

    session_id: UUID
    account_id: UUID
    session_expire_time: datetime
    session_ended: bool
    expire_time: datetime
    use_time: datetime | None
    successor_used: bool

    def use(self, now: datetime) -> Use:
        """FRESH and REPEATED get a new pair; STOLEN ends the session: its owner has gone on, so somebody else has the token."""
        if self.session_ended or self.session_expire_time <= now:
            return Use.ENDED
        if self.use_time is not None:
            repeated = not self.successor_used and now - self.use_time <= REPEAT
            return Use.REPEATED if repeated else Use.STOLEN
        return Use.FRESH if now < self.expire_time else Use.EXPIRED

    def next_expiry(self, now: datetime, idle: timedelta) -> datetime:
        """When the token that follows ends unless it is used."""
        return min(now + idle, self.session_expire_time)
