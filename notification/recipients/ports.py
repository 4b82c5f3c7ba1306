"""What the use cases of recipients need from outside."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from notification.recipients.domain import Recipient


class RecipientStore(Protocol):
    """Recipients."""

    async def upsert(self, tx: Transaction, recipients: Sequence[Recipient]) -> None:
        """Saves recipients, one after the other, each unless a newer version is stored or the account was deleted."""

    async def remove_guest(self, tx: Transaction, account_id: UUID) -> None:
        """Removes a guest that was merged into an account; a late event of it does not save it again."""

    async def is_deleted(self, tx: Transaction, account_id: UUID) -> bool:
        """Whether the account was deleted."""

    async def delete(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Erases name and address and marks the recipient deleted; works before the account's first event too."""
