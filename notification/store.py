"""The only reader and writer of notifications and recipients: rows <-> domain. Who may see what is part of the query."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from kit.db import Database, Record, Transaction, WhereClause, bounded_count, transpose
from kit.values import exact_count
from notification.domain import Failure, Notification, Recipient, Status, Template
from notification.ports import NotificationFilter

_ADD = """
INSERT INTO notifications (id, account_id, order_id, template, context, subject, recipient, status, attempts, due_time, create_time,
    expire_time, priority)
SELECT id, account_id, order_id, template, context, subject, '', 'QUEUED', 0, create_time, create_time, expire_time, priority
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::smallint[])
    AS n(id, account_id, order_id, template, context, subject, create_time, expire_time, priority)
ON CONFLICT DO NOTHING
"""
_PUT_RECIPIENT = """
INSERT INTO recipients (account_id, name, email, update_time, email_verified) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (account_id) DO UPDATE SET name = EXCLUDED.name, email = EXCLUDED.email, update_time = EXCLUDED.update_time,
    email_verified = EXCLUDED.email_verified
WHERE recipients.update_time <= EXCLUDED.update_time AND recipients.delete_time IS NULL
"""
# A row stays, so that old news of the account cannot bring it back.
_GONE = """
INSERT INTO recipients (account_id, name, email, update_time, delete_time) VALUES ($1, '', '', $2, $2)
ON CONFLICT (account_id) DO UPDATE SET name = '', email = '', delete_time = coalesce(recipients.delete_time, EXCLUDED.delete_time)
"""
_FORGET = "UPDATE notifications SET recipient = '', context = '{}' WHERE account_id = $1"
_FORGET_AGAIN = """
UPDATE notifications n SET recipient = '', context = '{}' FROM recipients r
WHERE r.delete_time >= $1 AND r.delete_time IS NOT NULL AND n.account_id = r.account_id AND n.recipient <> ''
"""
# The limit is part of the text: a plan for any number would read the whole table.
# What is about somebody who is not known yet waits: orders may be told of before their account.
_CLAIM = """
UPDATE notifications n SET due_time = $2, attempts = attempts + 1 FROM recipients r
WHERE r.account_id = n.account_id AND n.id IN (
    SELECT next.id FROM (VALUES (0), (1)) AS p(priority), LATERAL (
        SELECT due.id FROM notifications due JOIN recipients USING (account_id)
        WHERE due.status = 'QUEUED' AND due.priority = p.priority AND due.due_time <= $1 AND NOT EXISTS (
            SELECT FROM notifications earlier
            WHERE earlier.account_id = due.account_id AND earlier.priority = due.priority AND earlier.due_time IS NOT NULL
                AND (earlier.create_time, earlier.id) < (due.create_time, due.id) AND earlier.attempts <= 1
        )
        ORDER BY due.due_time LIMIT {limit:d} FOR UPDATE OF due SKIP LOCKED
    ) next LIMIT {limit:d}
)
RETURNING n.*, r.name AS recipient_name, r.email AS recipient_email, r.update_time AS recipient_time,
    r.email_verified AS recipient_is_proven,
    r.delete_time IS NOT NULL AS recipient_is_gone
"""
# `attempts` is the lease's fencing token: who lost the lease to another worker changes nothing. But a mail that went out has gone out.
_SAVE = """
UPDATE notifications SET recipient = $2, status = $3, due_time = $4, send_time = $5, failure = $6
WHERE id = $1 AND status <> 'SENT' AND (status = 'QUEUED' AND attempts = $7 OR $3 = 'SENT')
"""
_SELECT = """
SELECT n.*, r.email AS recipient_email FROM notifications n LEFT JOIN recipients r USING (account_id)
"""
_OF_ORDERS = """
SELECT n.*, r.email AS recipient_email
FROM unnest($1::uuid[]) AS asked(id), LATERAL (
    SELECT * FROM notifications WHERE order_id = asked.id AND ($2::uuid IS NULL OR account_id = $2)
    ORDER BY create_time DESC, id DESC LIMIT $3
) n LEFT JOIN recipients r USING (account_id)
ORDER BY n.create_time DESC, n.id DESC
"""


class PostgresNotificationStore:
    """`ports.NotificationStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, tx: Transaction, notifications: Sequence[Notification]) -> None:
        """One statement; in the ids' order, so that two consumers with the same facts (a rebalance) cannot deadlock."""
        rows = (
            (
                n.id,
                n.account_id,
                n.order_id,
                n.template,
                orjson.dumps(n.context).decode(),
                n.subject,
                n.create_time,
                n.expire_time,
                n.priority,
            )
            for n in sorted(notifications, key=lambda n: n.id)
        )
        await tx.execute(_ADD, *transpose(rows, 9))

    async def put_recipient(self, tx: Transaction, recipient: Recipient) -> None:
        """What is known of a person now; older news change nothing."""
        await tx.execute(
            _PUT_RECIPIENT,
            recipient.account_id,
            recipient.name,
            recipient.email,
            recipient.update_time,
            recipient.email_verified,
        )

    async def forget(self, tx: Transaction, account_id: UUID, now: datetime) -> None:
        """Leaves the row of the recipient, empty."""
        await tx.execute(_GONE, account_id, now)
        await tx.execute(_FORGET, account_id)

    async def forget_again(self, since: datetime) -> None:
        """One statement."""
        await self._db.execute(_FORGET_AGAIN, since)

    async def claim(self, now: datetime, lease: datetime, limit: int) -> list[tuple[Notification, Recipient]]:
        """Leases notifications that are due and whose recipient is known, or gone."""
        rows = await self._db.fetch(_CLAIM.format(limit=limit), now, lease)
        return [
            (
                _notification(row),
                Recipient(
                    row["account_id"],
                    row["recipient_name"],
                    row["recipient_email"],
                    row["recipient_time"],
                    row["recipient_is_proven"],
                    row["recipient_is_gone"],
                ),
            )
            for row in rows
        ]

    async def save(self, notification: Notification) -> bool:
        """One statement."""
        tag = await self._db.execute(
            _SAVE,
            notification.id,
            notification.recipient,
            notification.status,
            notification.due_time,
            notification.send_time,
            notification.failure or "",
            notification.attempts,
        )
        return tag != "UPDATE 0"

    async def page(
        self, which: NotificationFilter, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Notification]:
        """By keyset, never by offset."""
        asked = _conditions(which, after)
        sql = f"{_SELECT} {asked.sql} ORDER BY n.create_time DESC, n.id DESC LIMIT {limit:d}"
        return [_notification(row) for row in await self._db.fetch(sql, *asked.args)]

    async def page_each(
        self, which: NotificationFilter, account_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, list[Notification]]:
        """One statement for all accounts; those without notifications are left out."""
        asked = _conditions(which, None)
        asked.add("n.account_id = asked.id")
        sql = (
            "SELECT n.*, r.email AS recipient_email "  # noqa: S608 - of constants
            f"FROM unnest(${len(asked.args) + 1}::uuid[]) AS asked(id), LATERAL ("
            f"SELECT * FROM notifications n {asked.sql} ORDER BY create_time DESC, id DESC LIMIT {limit:d}"
            ") n LEFT JOIN recipients r USING (account_id) ORDER BY n.create_time DESC, n.id DESC"
        )
        found: dict[UUID, list[Notification]] = defaultdict(list)
        for row in await self._db.fetch(sql, *asked.args, list(account_ids)):
            found[row["account_id"]].append(_notification(row))
        return dict(found)

    async def count_each(
        self, which: NotificationFilter, account_ids: Sequence[UUID]
    ) -> dict[UUID, int | None]:
        """One statement for all accounts."""
        asked = _conditions(which, None)
        asked.add("n.account_id = account.id")
        accounts = asked.parameter(list(account_ids))
        sql = f"SELECT account.id, counted.count FROM unnest({accounts}::uuid[]) AS account(id), LATERAL ({_count(asked)}) counted"  # noqa: S608 - of constants
        return {row["id"]: exact_count(row["count"]) for row in await self._db.fetch(sql, *asked.args)}

    async def count(self, which: NotificationFilter) -> int | None:
        """Reads no more than it counts."""
        asked = _conditions(which, None)
        return exact_count(await self._db.fetchval(_count(asked), *asked.args))

    async def of_orders(self, order_ids: Sequence[UUID], owner: UUID | None, each: int) -> list[Notification]:
        """One statement for all orders."""
        return [_notification(row) for row in await self._db.fetch(_OF_ORDERS, list(order_ids), owner, each)]


def _conditions(which: NotificationFilter, after: tuple[datetime, UUID] | None) -> WhereClause:
    asked = WhereClause()
    if which.account_id is not None:
        asked.add("n.account_id = {}", which.account_id)
    if which.order_id is not None:
        asked.add("n.order_id = {}", which.order_id)
    if after is not None:
        asked.add("(n.create_time, n.id) < ({}, {})", *after)
    return asked


def _count(asked: WhereClause) -> str:
    return bounded_count(f"SELECT FROM notifications n {asked.sql} ORDER BY n.create_time DESC, n.id DESC")


def _notification(row: Record) -> Notification:
    return Notification(
        id=row["id"],
        account_id=row["account_id"],
        order_id=row["order_id"],
        template=Template(row["template"]),
        context=orjson.loads(row["context"]),
        subject=row["subject"],
        recipient=row["recipient"] or row["recipient_email"] or "",
        status=Status(row["status"]),
        attempts=row["attempts"],
        due_time=row["due_time"],
        create_time=row["create_time"],
        send_time=row["send_time"],
        expire_time=row["expire_time"],
        failure=Failure(row["failure"]) if row["failure"] else None,
    )
