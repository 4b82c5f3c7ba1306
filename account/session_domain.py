"""Sessions and their refresh tokens: when they last, when they end, and what a repeated token means."""

import hmac
from base64 import urlsafe_b64encode
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
    """What presenting a refresh token comes to: FRESH gets a successor, REPEATED the same one again, STOLEN ends the session."""

    FRESH = "FRESH"
    REPEATED = "REPEATED"
    EXPIRED = "EXPIRED"
    STOLEN = "STOLEN"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class Refresh:
    """A refresh token as it is found: its session's state, whether it was used, and what came of that.

    Tokens of a session form a chain: each has one successor, which follows from it and from `seed`, once that is set.
    """

    session_id: UUID
    account_id: UUID
    session_expire_time: datetime
    session_ended: bool
    expire_time: datetime
    use_time: datetime | None
    seed: str | None
    successor_expire_time: datetime | None
    successor_used: bool

    def use(self, now: datetime) -> Use:
        """STOLEN: its owner has gone on, or would have by now, so another client has the token."""
        if self.session_ended or self.session_expire_time <= now:
            return Use.ENDED
        if self.use_time is not None:
            if self.successor_used or now - self.use_time > REPEAT:
                return Use.STOLEN
            # Without a seed: used by a replica of the release before seeds, seconds ago.
            return Use.REPEATED if self.seed is not None else Use.EXPIRED
        return Use.FRESH if now < self.expire_time else Use.EXPIRED

    def next_expiry(self, now: datetime, idle: timedelta) -> datetime:
        """When the token that follows ends unless it is used."""
        return min(now + idle, self.session_expire_time)


def successor(token: str, seed: str) -> str:
    """The refresh token that follows: neither the token alone tells it, nor what is stored (hashes and seeds)."""
    mac = hmac.digest(seed.encode(), token.encode("utf-8", "surrogatepass"), "sha256")
    return urlsafe_b64encode(mac).decode().rstrip("=")
