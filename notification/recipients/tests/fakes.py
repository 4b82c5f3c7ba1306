"""The recipients' store in memory; `notification/tests/stores.py` runs its contract on it and on PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid4

from kit.testing import FakeClock
from notification.recipients.domain import Recipient


class FakeRecipientStore:
    """`ports.RecipientStore` in memory."""

    def __init__(self) -> None:
        self.recipients: dict[UUID, Recipient] = {}

    async def upsert(self, tx: object, recipients: Sequence[Recipient]) -> None:
        for recipient in recipients:
            self._upsert(recipient)

    def _upsert(self, recipient: Recipient) -> None:
        stored = self.recipients.get(recipient.account_id)
        if stored is None or (stored.update_time <= recipient.update_time and not stored.is_deleted):
            link = recipient.order_link or (stored.order_link if stored else None)
            link = link if recipient.is_guest else None
            self.recipients[recipient.account_id] = replace(recipient, order_link=link)

    async def remove_guest(self, tx: object, account_id: UUID) -> None:
        self.recipients.pop(account_id, None)

    async def is_deleted(self, tx: object, account_id: UUID) -> bool:
        return account_id in self.recipients and self.recipients[account_id].is_deleted

    async def delete(self, tx: object, account_id: UUID, now: datetime) -> None:
        self.recipients[account_id] = Recipient(account_id, "", "", now, is_deleted=True)


def john(clock: FakeClock, *, account_id: UUID | None = None, email: str = "john@souk.test") -> Recipient:
    """A recipient with a verified address."""
    return Recipient(account_id or uuid4(), "John Doe", email, clock(), email_verified=True)
