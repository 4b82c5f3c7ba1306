"""Sessions and their refresh tokens: lifetimes, rotation, and detection of reuse."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final
from uuid import UUID

from account.accounts.domain import Account
from kit.values import SESSION

# Covers a lost response and a second browser tab. A thief reuses a token later.
REUSE_GRACE: Final = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class SessionEnded:
    """A session was revoked; the last of its access tokens expires at `tokens_expire_time`."""

    session_id: UUID
    account_id: UUID
    tokens_expire_time: datetime


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Maximum durations of a session: without use, and in total."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in. It expires at `expire_time` at the latest; its first refresh token expires at `refresh_expire_time`."""

    id: UUID
    account_id: UUID
    create_time: datetime
    expire_time: datetime
    refresh_expire_time: datetime

    @classmethod
    def start(cls, account_id: UUID, now: datetime, lifetimes: Lifetimes) -> "Session":
        """A new session."""
        end = now + lifetimes.absolute
        return cls(SESSION.new(), account_id, now, end, min(now + lifetimes.idle, end))


class TokenUse(Enum):
    """The meaning of using a refresh token.

    FRESH is the first use, REPEATED a harmless repetition. REUSED means that the token leaked (RFC 9700, 4.14.2).
    """

    FRESH = "FRESH"
    REPEATED = "REPEATED"
    EXPIRED = "EXPIRED"
    REUSED = "REUSED"
    REVOKED = "REVOKED"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A stored refresh token with the state of its session and successor.

    The tokens of a session form a chain: each has one successor, derived from it and from `seed`, which is set at the first use.
    """

    session_id: UUID
    account_id: UUID
    session_expire_time: datetime
    session_revoked: bool
    expire_time: datetime
    use_time: datetime | None
    seed: str | None
    successor_expire_time: datetime | None
    successor_used: bool

    def classify_use(self, now: datetime) -> TokenUse:
        """REUSED once the owner uses the successor, or should by now: another client must have the token."""
        if self.session_revoked or self.session_expire_time <= now:
            return TokenUse.REVOKED
        if self.use_time is not None:
            if self.successor_used or now - self.use_time > REUSE_GRACE:
                return TokenUse.REUSED
            # A release without seeds used the token seconds ago, so its successor cannot be derived.
            return TokenUse.REPEATED if self.seed is not None else TokenUse.EXPIRED
        return TokenUse.FRESH if now < self.expire_time else TokenUse.EXPIRED

    def successor_expiry(self, now: datetime, idle: timedelta) -> datetime:
        """When an unused successor expires."""
        return min(now + idle, self.session_expire_time)


@dataclass(frozen=True, slots=True)
class AuthResult:
    """A signed-in account and its tokens; `device_token` is set only by registration and login."""

    account: Account
    access_token: str
    access_token_expire_time: datetime
    refresh_token: str
    refresh_token_expire_time: datetime
    device_token: str = ""


def successor(token: str, seed: str) -> str:
    """The next refresh token. It takes both the previous token and the stored seed, so neither a thief nor a database dump has it."""
    mac = hmac.digest(seed.encode(), token.encode("utf-8", "surrogatepass"), "sha256")
    return urlsafe_b64encode(mac).decode().rstrip("=")


def hash_token(token: str) -> bytes:
    """The stored form of a token. Tokens are random, so SHA-256 needs no salt and no slower hash."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
