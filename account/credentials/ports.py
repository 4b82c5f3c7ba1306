"""What the use cases of passwords need. A store method without `tx` is a single statement."""

from collections.abc import Hashable
from typing import Protocol
from uuid import UUID

from account.credentials.domain import Credentials
from kit.db import Transaction


class CredentialStore(Protocol):
    """The password hashes of existing accounts."""

    async def credentials(self, email: str) -> Credentials | None:
        """The account with an email address in its normalized form."""

    async def lock_credentials(self, tx: Transaction, account_id: UUID) -> Credentials | None:
        """An account, locked against changes until the transaction ends."""

    async def password_hash(self, account_id: UUID) -> str | None:
        """The hash of an account's password."""

    async def set_password(self, tx: Transaction, account_id: UUID, password_hash: str) -> None:
        """Writes the hash of a new password."""

    async def replace_hash(self, account_id: UUID, current: str, replacement: str) -> None:
        """Writes another hash of the same password, unless the stored hash is no longer `current`."""


class Passwords(Protocol):
    """Hashes passwords outside the event loop; raises TooBusy."""

    async def hash(self, password: bytes) -> str:
        """A new salted hash."""

    async def matches(self, password: bytes, password_hash: str | None, subject: Hashable) -> bool:
        """Compares a password with a hash. Without a hash it takes the same time and returns false.

        `subject` is whose password it is, such as an address: equal comparisons of one subject may run once.
        """

    def needs_rehash(self, password_hash: str) -> bool:
        """Whether the hash has a lower cost than a new one."""
