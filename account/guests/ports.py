"""What the use cases of guests need. A store method without `tx` is a single statement."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from account.accounts.domain import Account
from account.audit.domain import AuditEvent
from account.guests.domain import DueGuest, OrderSummary
from account.sessions.domain import AuthResult
from kit.auth import Principal, Role
from kit.db import Transaction


class GuestStore(Protocol):
    """Guests among the accounts. Deleted, merged and registered ones are no longer guests."""

    async def add_guest(self, tx: Transaction, guest: Account, due_time: datetime) -> None:
        """Inserts a guest that may be deleted after `due_time`."""

    async def lock_guest(self, tx: Transaction, account_id: UUID) -> Account | None:
        """A guest, locked until the transaction ends."""

    async def set_contact(self, tx: Transaction, guest: Account) -> None:
        """Writes name, address and phone number."""

    async def register_guest(self, tx: Transaction, account: Account, password_hash: str) -> None:
        """Makes a locked guest an account with a password; raises EmailTaken."""

    async def lock_pair(
        self, tx: Transaction, guest_id: UUID, into_id: UUID
    ) -> tuple[Account | None, Account | None]:
        """A guest and an account that is none, locked in the order of their ids."""

    async def merged_into(self, tx: Transaction, guest_id: UUID) -> UUID | None:
        """The account that a guest was merged into."""

    async def merge_guest(self, tx: Transaction, guest_id: UUID, into_id: UUID, now: datetime) -> None:
        """Deletes a locked guest and its contact, and records the account that it was merged into."""

    async def due_guests(self, now: datetime, limit: int) -> Sequence[DueGuest]:
        """Guests that may be deleted now, the longest unused first."""

    async def postpone_guests(self, times: Mapping[UUID, datetime]) -> None:
        """Sets when to look at guests again."""


class GuestSessions(Protocol):
    """The sessions of guests."""

    async def start(self, tx: Transaction, account: Account, action: str | None, address: str) -> AuthResult:
        """Starts a session; the audit log records it as `action`, if there is one."""

    async def current_role(self, principal: Principal) -> Role:
        """The current role of the caller; raises SessionRevoked."""

    async def revoke_all(self, tx: Transaction, account: Account) -> None:
        """Revokes every session and mailed link of an account."""


class OrderLinkIssuer(Protocol):
    """Issues the link that mails about a guest's orders contain."""

    async def issue(self, tx: Transaction, guest: Account) -> tuple[bytes, datetime]:
        """The sealed token of a new link and its expiry; earlier links of the guest stop working."""


class GuestTokenVerifier(Protocol):
    """Verifies the signature of an access token, also of a session that was revoked."""

    async def verify(self, token: str) -> Principal:
        """Raises Unauthenticated."""


class OrderSummaries(Protocol):
    """The order service."""

    async def summarize(self, account_ids: Sequence[UUID]) -> Sequence[OrderSummary]:
        """What each account has ordered, in the order of the ids."""


class Eraser(Protocol):
    """Erases accounts."""

    async def erase(self, account_id: UUID, audit: AuditEvent) -> None:
        """Raises AccountNotFound."""
