"""What the use cases of accounts need. A store method without `tx` is a single statement. Deleted accounts are never returned."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from account.accounts.domain import Account
from kit.auth import Principal, Role
from kit.db import Transaction


class AccountStore(Protocol):
    """Accounts."""

    async def add(self, tx: Transaction, account: Account, password_hash: str) -> None:
        """Raises EmailTaken."""

    async def update(self, tx: Transaction, account: Account) -> None:
        """Writes everything but id, email address and creation time."""

    async def lock(self, tx: Transaction, account_id: UUID) -> Account | None:
        """An account, locked against changes until the transaction ends."""

    async def lock_by_email(self, tx: Transaction, email: str) -> Account | None:
        """As `lock`, by email address in its normalized form."""

    async def lock_admins(self, tx: Transaction) -> set[UUID]:
        """The ADMINs, locked in that role until the transaction ends. Call it before taking other locks."""

    async def admins(self) -> set[UUID]:
        """The ADMINs."""

    async def get_many(self, ids: Sequence[UUID]) -> list[Account]:
        """The existing accounts among the ids."""

    async def erase(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Erases all personal data; the id remains."""

    async def purge_published_events(self, tx: Transaction, account_id: UUID) -> None:
        """Deletes an account's events with personal data from the outbox. All of them must have been published."""


class Sessions(Protocol):
    """The sessions of accounts."""

    async def current_role(self, principal: Principal) -> Role:
        """The current role of the caller; raises SessionRevoked."""

    async def require_admin(self, principal: Principal) -> None:
        """Raises PermissionDenied unless the caller is an ADMIN now, and SessionRevoked."""

    async def revoke_all(self, tx: Transaction, account: Account) -> None:
        """Revokes every session and mailed link of an account."""


class PasswordConfirmation(Protocol):
    """Asks the caller for their password."""

    async def confirm(self, caller: Principal, password: str, field: str, address: str) -> str:
        """Raises WrongPassword naming `field`."""


class OrderCloser(Protocol):
    """The order service."""

    async def close_orders_of(self, account_id: UUID) -> None:
        """Cancels the account's PENDING orders with the caller's token; raises FailedPrecondition (ORDERS_OPEN) for other open orders."""
