"""The queue of notifications to send: leasing rows and saving results. Inserting them is in `notification.notifications.store`."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter

from kit.db import Database, Record, distinct_runs, transpose
from notification.mail.ports import Due
from notification.notifications.domain import Notification
from notification.notifications.store import notification_from_row
from notification.recipients.domain import OrderLink, Recipient

# An earlier notification of the same account and priority goes first, unless it has been tried before. An account that is not known yet
# waits: an order's event may arrive before its account's.
# Due notifications are read in their order until there are enough, with one look at the account of each. A queue is mostly empty, so its
# statistics say that joining all of it with itself is cheap: scalar subqueries with a LIMIT cannot be joined, and each look-up names the
# predicate of the one index that it needs (migration 0011, ADR 0062).
# The limit is part of the text: a generic plan for any limit would read the whole table.
_CLAIM = """
UPDATE notifications n SET due_time = $2, attempts = attempts + 1 FROM recipients r
WHERE r.account_id = n.account_id AND n.id = ANY (ARRAY(
    SELECT next.id FROM (VALUES (0), (1)) AS p(priority), LATERAL (
        SELECT id FROM notifications due
        WHERE priority = p.priority AND due_time <= $1
            AND (SELECT true FROM recipients WHERE account_id = due.account_id LIMIT 1)
            AND (SELECT (create_time, id) >= (due.create_time, due.id) FROM notifications
                WHERE account_id = due.account_id AND priority = due.priority AND status = 'QUEUED' AND attempts <= 1
                ORDER BY create_time, id LIMIT 1) IS NOT false
        ORDER BY due_time LIMIT {limit:d} FOR UPDATE SKIP LOCKED
    ) next LIMIT {limit:d}
))
RETURNING n.*, r.name AS recipient_name, r.email AS recipient_email, r.update_time AS recipient_time,
    r.email_verified AS recipient_is_verified, r.guest AS recipient_is_guest, r.sealed_order_token, r.order_token_expire_time,
    r.delete_time IS NOT NULL AS recipient_is_deleted
"""
# `attempts` is the lease's fencing token: a worker that lost its lease changes nothing, except that a sent mail stays sent.
# An event that arrives after its account was deleted queues a notification all the same: its content is erased with its only attempt.
_SAVE = """
UPDATE notifications n SET recipient = result.recipient, status = result.status, due_time = result.due_time,
    send_time = result.send_time, failure = result.failure,
    context = CASE WHEN result.failure = 'ACCOUNT_DELETED' THEN '{}' ELSE n.context END
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::text[], $7::integer[])
    AS result(id, recipient, status, due_time, send_time, failure, attempts)
WHERE n.id = result.id AND n.status <> 'SENT'
    AND (n.status = 'QUEUED' AND n.attempts = result.attempts OR result.status = 'SENT')
RETURNING n.id
"""
_DROP = "DELETE FROM notifications WHERE id = $1 AND status = 'QUEUED' AND attempts = $2"


class PostgresMailQueue:
    """`ports.MailQueue` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def claim(self, now: datetime, lease: datetime, limit: int) -> list[Due]:
        """One statement; concurrent claims skip each other's rows."""
        rows = await self._db.fetch(_CLAIM.format(limit=limit), now, lease)
        return [(notification_from_row(row), _recipient(row)) for row in rows]

    async def save(self, notifications: Sequence[Notification]) -> list[bool]:
        """One statement, or several if a notification is among them more than once; a statement would save any of its results."""
        saved: list[bool] = []
        for run in distinct_runs(notifications, attrgetter("id")):
            rows = map(_result, sorted(run, key=attrgetter("id")))
            ids = {row["id"] for row in await self._db.fetch(_SAVE, *transpose(rows, 7))}
            saved += [notification.id in ids for notification in run]
        return saved

    async def drop(self, notification: Notification) -> bool:
        """One statement."""
        return await self._db.execute(_DROP, notification.id, notification.attempts) != "DELETE 0"


def _result(notification: Notification) -> tuple[object, ...]:
    return (
        notification.id,
        notification.recipient,
        notification.status,
        notification.due_time,
        notification.send_time,
        notification.failure or "",
        notification.attempts,
    )


def _recipient(row: Record) -> Recipient:
    sealed = row["sealed_order_token"]
    return Recipient(
        row["account_id"],
        row["recipient_name"],
        row["recipient_email"],
        row["recipient_time"],
        row["recipient_is_verified"],
        row["recipient_is_deleted"],
        row["recipient_is_guest"],
        OrderLink(bytes(sealed), row["order_token_expire_time"]) if sealed else None,
    )
