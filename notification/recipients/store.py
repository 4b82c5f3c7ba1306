"""The only writer of recipients. `notification.mail.store` and `notification.notifications.store` join the table when they read."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from uuid import UUID

from kit.db import Transaction, distinct_runs, transpose
from notification.recipients.domain import Recipient

_UPSERT = """
INSERT INTO recipients (account_id, name, email, update_time, email_verified, guest, sealed_order_token, order_token_expire_time)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[], $6::boolean[], $7::bytea[], $8::timestamptz[])
    AS r(account_id, name, email, update_time, email_verified, guest, sealed_order_token, order_token_expire_time)
WHERE NOT EXISTS (SELECT FROM merged_accounts WHERE guest_id = r.account_id)
ON CONFLICT (account_id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email, update_time = EXCLUDED.update_time,
    email_verified = EXCLUDED.email_verified, guest = EXCLUDED.guest,
    sealed_order_token = CASE WHEN EXCLUDED.guest THEN coalesce(EXCLUDED.sealed_order_token, recipients.sealed_order_token) END,
    order_token_expire_time =
        CASE WHEN EXCLUDED.guest THEN coalesce(EXCLUDED.order_token_expire_time, recipients.order_token_expire_time) END
WHERE recipients.update_time <= EXCLUDED.update_time AND recipients.delete_time IS NULL
"""
# The row stays, so that a late event of the account cannot restore it.
_MARK_DELETED = """
INSERT INTO recipients (account_id, name, email, update_time, delete_time) VALUES ($1, '', '', $2, $2)
ON CONFLICT (account_id) DO UPDATE SET name = '', email = '', sealed_order_token = NULL,
    delete_time = coalesce(recipients.delete_time, EXCLUDED.delete_time)
"""
_REMOVE_GUEST = "DELETE FROM recipients WHERE account_id = $1"
_IS_DELETED = "SELECT true FROM recipients WHERE account_id = $1 AND delete_time IS NOT NULL"


class PostgresRecipientStore:
    """`ports.RecipientStore` on PostgreSQL."""

    async def upsert(self, tx: Transaction, recipients: Sequence[Recipient]) -> None:
        """One statement, or several if an account is among them more than once; ordered by account, so that two consumers cannot deadlock.

        An older version changes nothing, and a version without a link keeps the guest's link.
        """
        for run in distinct_runs(recipients, attrgetter("account_id")):
            rows = map(_row, sorted(run, key=attrgetter("account_id")))
            await tx.execute(_UPSERT, *transpose(rows, 8))

    async def remove_guest(self, tx: Transaction, account_id: UUID) -> None:
        """`merged_accounts` keeps it from being saved again."""
        await tx.execute(_REMOVE_GUEST, account_id)

    async def is_deleted(self, tx: Transaction, account_id: UUID) -> bool:
        """Whether the account was deleted."""
        return bool(await tx.fetchval(_IS_DELETED, account_id))

    async def delete(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """One statement; repeating it keeps the first deletion time."""
        await tx.execute(_MARK_DELETED, account_id, now)


def _row(recipient: Recipient) -> tuple[object, ...]:
    link = recipient.order_link
    return (
        recipient.account_id,
        recipient.name,
        recipient.email,
        recipient.update_time,
        recipient.email_verified,
        recipient.is_guest,
        link.sealed_token if link else None,
        link.expire_time if link else None,
    )
