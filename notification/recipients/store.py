"""The only writer of recipients. `notification.mail.store` and `notification.notifications.store` join the table when they read."""

from datetime import datetime
from uuid import UUID

from kit.db import Transaction
from notification.recipients.domain import Recipient

_UPSERT = """
INSERT INTO recipients (account_id, name, email, update_time, email_verified) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email, update_time = EXCLUDED.update_time,
    email_verified = EXCLUDED.email_verified
WHERE recipients.update_time <= EXCLUDED.update_time AND recipients.delete_time IS NULL
"""
# The row stays, so that a late event of the account cannot restore it.
_MARK_DELETED = """
INSERT INTO recipients (account_id, name, email, update_time, delete_time) VALUES ($1, '', '', $2, $2)
ON CONFLICT (account_id) DO UPDATE SET name = '', email = '', delete_time = coalesce(recipients.delete_time, EXCLUDED.delete_time)
"""


class PostgresRecipientStore:
    """`ports.RecipientStore` on PostgreSQL."""

    async def upsert(self, tx: Transaction, recipient: Recipient) -> None:
        """One statement; an older version changes nothing."""
        await tx.execute(
            _UPSERT,
            recipient.account_id,
            recipient.name,
            recipient.email,
            recipient.update_time,
            recipient.email_verified,
        )

    async def delete(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """One statement; repeating it keeps the first deletion time."""
        await tx.execute(_MARK_DELETED, account_id, now)
