"""Notifications in PostgreSQL: inserting, erasing and listing. Leasing them for delivery is in `notification.mail.store`."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import orjson

from kit.db import Database, Record, Transaction, WhereClause, bounded_count, transpose
from kit.guests import MERGED_ACCOUNT
from kit.values import exact_count
from notification.notifications.domain import Failure, Notification, Status, Template
from notification.notifications.ports import NotificationFilter

# A refund's event does not have the number of its order; an earlier notification about the order has.
_ORDER_NUMBER = """coalesce((
    SELECT jsonb_build_object('order_number', o.context -> 'order_number') FROM notifications o
    WHERE o.order_id = n.order_id AND o.context ? 'order_number' LIMIT 1
), '{}')"""
_ADD = f"""
INSERT INTO notifications (id, account_id, order_id, template, context, subject, recipient, status, attempts, due_time, create_time,
    expire_time, priority)
SELECT id, {MERGED_ACCOUNT.format("n.account_id")}, order_id, template,
    CASE WHEN template = 'refunded' THEN context || {_ORDER_NUMBER} ELSE context END, subject, '', 'QUEUED', 0,
    create_time, create_time, expire_time, priority
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::jsonb[], $6::text[], $7::timestamptz[], $8::timestamptz[], $9::smallint[])
    AS n(id, account_id, order_id, template, context, subject, create_time, expire_time, priority)
ON CONFLICT DO NOTHING
"""  # noqa: S608 - built from constants
_ERASE = "UPDATE notifications SET recipient = '', context = '{}' WHERE account_id = $1"
_ERASE_LATE_ARRIVALS = """
UPDATE notifications n SET recipient = '', context = '{}' FROM recipients r
WHERE r.delete_time >= $1 AND r.delete_time IS NOT NULL AND n.account_id = r.account_id
    AND (n.recipient <> '' OR n.context <> '{}')
"""
_SELECT = """
SELECT n.*, r.email AS recipient_email FROM notifications n LEFT JOIN recipients r USING (account_id)
"""
_FIND_BY_ORDERS = """
SELECT n.*, r.email AS recipient_email
FROM unnest($1::uuid[]) AS requested(id), LATERAL (
    SELECT * FROM notifications WHERE order_id = requested.id AND ($2::uuid IS NULL OR account_id = $2)
    ORDER BY create_time DESC, id DESC LIMIT $3
) n LEFT JOIN recipients r USING (account_id)
ORDER BY n.create_time DESC, n.id DESC
"""


class PostgresNotificationStore:
    """`ports.NotificationStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, tx: Transaction, notifications: Sequence[Notification]) -> None:
        """One statement; ordered by id, so that two consumers with the same events (after a rebalance) cannot deadlock."""
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

    async def erase(self, tx: Transaction, account_id: UUID) -> None:
        """One statement."""
        await tx.execute(_ERASE, account_id)

    async def erase_late_arrivals(self, since: datetime) -> None:
        """One statement."""
        await self._db.execute(_ERASE_LATE_ARRIVALS, since)

    async def page(
        self, filter: NotificationFilter, after: tuple[datetime, UUID] | None, limit: int
    ) -> list[Notification]:
        """By keyset, never by offset."""
        where = _where(filter, after)
        sql = f"{_SELECT} {where.sql} ORDER BY n.create_time DESC, n.id DESC LIMIT {limit:d}"
        return [notification_from_row(row) for row in await self._db.fetch(sql, *where.args)]

    async def page_by_account(
        self, filter: NotificationFilter, account_ids: Sequence[UUID], limit: int
    ) -> dict[UUID, list[Notification]]:
        """One statement for all accounts; those without notifications are omitted."""
        where = _where(filter, None)
        where.add("n.account_id = requested.id")
        sql = (
            "SELECT n.*, r.email AS recipient_email "  # noqa: S608 - of constants
            f"FROM unnest(${len(where.args) + 1}::uuid[]) AS requested(id), LATERAL ("
            f"SELECT * FROM notifications n {where.sql} ORDER BY create_time DESC, id DESC LIMIT {limit:d}"
            ") n LEFT JOIN recipients r USING (account_id) ORDER BY n.create_time DESC, n.id DESC"
        )
        pages: dict[UUID, list[Notification]] = defaultdict(list)
        for row in await self._db.fetch(sql, *where.args, list(account_ids)):
            pages[row["account_id"]].append(notification_from_row(row))
        return dict(pages)

    async def count_by_account(
        self, filter: NotificationFilter, account_ids: Sequence[UUID]
    ) -> dict[UUID, int | None]:
        """One statement for all accounts."""
        where = _where(filter, None)
        where.add("n.account_id = account.id")
        accounts = where.parameter(list(account_ids))
        sql = f"SELECT account.id, counted.count FROM unnest({accounts}::uuid[]) AS account(id), LATERAL ({_count(where)}) counted"  # noqa: S608 - of constants
        return {row["id"]: exact_count(row["count"]) for row in await self._db.fetch(sql, *where.args)}

    async def count(self, filter: NotificationFilter) -> int | None:
        """Reads no more rows than it counts."""
        where = _where(filter, None)
        return exact_count(await self._db.fetchval(_count(where), *where.args))

    async def find_by_orders(
        self, order_ids: Sequence[UUID], owner: UUID | None, limit_per_order: int
    ) -> list[Notification]:
        """One statement for all orders."""
        rows = await self._db.fetch(_FIND_BY_ORDERS, list(order_ids), owner, limit_per_order)
        return [notification_from_row(row) for row in rows]


def _where(filter: NotificationFilter, after: tuple[datetime, UUID] | None) -> WhereClause:
    where = WhereClause()
    if filter.account_id is not None:
        where.add("n.account_id = {}", filter.account_id)
    if filter.order_id is not None:
        where.add("n.order_id = {}", filter.order_id)
    if after is not None:
        where.add("(n.create_time, n.id) < ({}, {})", *after)
    return where


def _count(where: WhereClause) -> str:
    return bounded_count(f"SELECT FROM notifications n {where.sql} ORDER BY n.create_time DESC, n.id DESC")


def notification_from_row(row: Record) -> Notification:
    """A row of `notifications` with the account's current address as `recipient_email`."""
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
