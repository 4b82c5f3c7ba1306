"""What the use cases need of the outside. A method without `tx` is one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from account.domain import Account, Audited, AuditEvent, Purpose
from account.session_domain import Refresh, Session
from kit.auth import Role
from kit.db import Transaction
from kit.values import Position

# Where a page goes on: after what was made then and has that id.


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events: by whom, to what; None: any. The subject's kind is its id's prefix."""

    actor_id: UUID | None = None
    subject_id: UUID | None = None
    subject_kind: str = ""


class AccountStore(Protocol):
    """Accounts."""

    async def add(self, tx: Transaction, account: Account, password_hash: str) -> None:
        """Raises EmailTaken."""

    async def update(self, tx: Transaction, account: Account) -> None:
        """Writes name, phone, role, whether the address is proven, and times."""

    async def lock(self, tx: Transaction, account_id: UUID) -> tuple[Account, str] | None:
        """A living account and its password hash, which nobody else changes until the transaction ends."""

    async def lock_by_email(self, tx: Transaction, email: str) -> Account | None:
        """The living account of an address, locked as `lock` does."""

    async def lock_admins(self, tx: Transaction) -> set[UUID]:
        """The living ADMINs; none stops being one until the transaction ends. To be called before other locks are taken."""

    async def admins(self) -> set[UUID]:
        """The living ADMINs."""

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        """The living accounts among the ids."""

    async def page(self, query: str, after: Position | None, limit: int) -> list[Account]:
        """Living accounts that a query finds (`account.search`), newest first; all of them for an empty one."""

    async def count(self, query: str) -> int | None:
        """How many there are; None: more than MAX_COUNT."""

    async def add_words(self, tx: Transaction, limit: int) -> int:
        """Writes the words of accounts that have none yet, so many at once; returns how many had none."""

    async def erase(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Takes away all that is known of a person; the id stays."""

    async def forget_told(self, tx: Transaction, account_id: UUID) -> None:
        """Takes away what the outbox still holds of a person, whose facts have all been published."""


class SessionStore(Protocol):
    """Sessions and their refresh tokens, which are known by their hashes."""

    async def begin_session(self, tx: Transaction, session: Session, refresh_hash: bytes) -> None:
        """Writes a session and its first refresh token."""

    async def lock_refresh(self, tx: Transaction, refresh_hash: bytes) -> tuple[Refresh, Account] | None:
        """A refresh token of a living account; its session is nobody else's to change until the transaction ends."""

    async def rotate(
        self,
        tx: Transaction,
        refresh: Refresh,
        used_hash: bytes,
        next_hash: bytes,
        seed: str,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        """Marks a token that was not used as used, and writes the one that follows from it and `seed`."""

    async def end_session(self, tx: Transaction, session_id: UUID, now: datetime) -> bool:
        """Ends a session; false when it had ended."""

    async def end_sessions(self, tx: Transaction, account_id: UUID, now: datetime) -> list[UUID]:
        """Ends every session of an account and every link mailed to it, and answers which sessions."""

    async def session_role(self, session_id: UUID, account_id: UUID, now: datetime) -> Role | None:
        """The role that the account has now; None when the session has ended or the account is gone."""


class CredentialStore(Protocol):
    """Password hashes and mailed links, which are known by their tokens' hashes."""

    async def credentials(self, email: str) -> tuple[Account, str] | None:
        """The living account of an address, in its normal form, and its password hash."""

    async def password_hash(self, account_id: UUID) -> str | None:
        """A living account's."""

    async def set_password(self, tx: Transaction, account_id: UUID, password_hash: str) -> None:
        """Writes another hash."""

    async def replace_hash(self, account_id: UUID, current: str, stronger: str) -> None:
        """Writes another hash of the same password, unless it is not `current` any more."""

    async def keep_link(
        self,
        tx: Transaction,
        purpose: Purpose,
        account_id: UUID,
        token_hash: bytes,
        now: datetime,
        expire_time: datetime,
    ) -> None:
        """Writes a link's token; earlier ones for the same purpose mean nothing any more."""

    async def link_owner(self, purpose: Purpose, token_hash: bytes, now: datetime) -> UUID | None:
        """Whose link it is; None when it is unknown, used or expired."""

    async def take_link(self, tx: Transaction, purpose: Purpose, token_hash: bytes, now: datetime) -> bool:
        """Uses a link up; false when `link_owner` would not find it. Of two calls at once one gets it."""

    async def forget_links(self, tx: Transaction, account_id: UUID) -> None:
        """Deletes every link of an account."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """What is counted for a subject: wrong guesses in its window, and guesses that are being compared."""

    failures: int
    guesses: int
    window_start: datetime


class AttemptStore(Protocol):
    """Counted attempts and guesses; subjects are digests."""

    async def count_attempt(
        self, subjects: Sequence[str], now: datetime, window_start: datetime
    ) -> list[tuple[int, datetime]]:
        """Counts one attempt for each subject; answers each one's count and the start of its window, in order."""

    async def forgive_attempt(self, subjects: Sequence[str]) -> None:
        """Takes one attempt of each subject back."""

    async def forget_attempts(self, subjects: Sequence[str]) -> None:
        """Takes all attempts of each subject back."""

    async def lock_buckets(
        self, tx: Transaction, subjects: Sequence[str], now: datetime, window_start: datetime
    ) -> list[Bucket]:
        """Each subject's bucket, in order; locked until the transaction ends."""

    async def begin_guess(
        self, tx: Transaction, guess_id: str, subjects: Sequence[str], expire_time: datetime
    ) -> None:
        """Takes a place in the locked buckets until `end_guess`, or `expire_time`."""

    async def end_guess(
        self, guess_id: str, subjects: Sequence[str], now: datetime, window_start: datetime, *, wrong: bool
    ) -> None:
        """Gives the places back, and counts the guess in each bucket when it was wrong."""


class DeviceStore(Protocol):
    """Devices that signed in before, which are known by their tokens' hashes."""

    async def device_owner(self, token_hash: bytes) -> UUID | None:
        """The account that the device signed in to."""

    async def devices_of(self, account_id: UUID) -> list[bytes]:
        """An account's devices."""

    async def keep_device(
        self, tx: Transaction, account_id: UUID, token_hash: bytes, now: datetime, limit: int
    ) -> None:
        """Writes that a device signed in; of the account's devices those that did so last stay, `limit` at most."""


class AuditStore(Protocol):
    """The audit log."""

    async def audit(
        self, tx: Transaction, event: AuditEvent, now: datetime, event_id: UUID | None = None
    ) -> None:
        """Writes an event, under an id of its own unless one is given."""

    async def forget_addresses(self, tx: Transaction, account_id: UUID) -> None:
        """Takes the network addresses from where an account did something."""

    async def audit_page(self, which: AuditFilter, after: Position | None, limit: int) -> list[Audited]:
        """Events, newest first."""

    async def audit_count(self, which: AuditFilter) -> int | None:
        """How many there are; None: more than MAX_COUNT."""


class Passwords(Protocol):
    """Hashes passwords, off the event loop; raises TooBusy."""

    async def hash(self, password: bytes) -> str:
        """A fresh salted hash."""

    async def matches(self, password: bytes, password_hash: str | None) -> bool:
        """Whether the password is the hashed one; without a hash it takes as long and says no."""

    def is_weak(self, password_hash: str) -> bool:
        """Whether the hash cost less than one would now."""


class Orders(Protocol):
    """The order service."""

    async def close_of(self, account_id: UUID) -> None:
        """Cancels an account's PENDING orders, in the caller's name; raises FailedPrecondition (ORDERS_OPEN) while others are open."""


class Sealer(Protocol):
    """Hides a token on its way to whoever mails it."""

    def seal(self, text: str) -> bytes:
        """The token, sealed."""
