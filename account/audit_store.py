"""The only reader and writer of the audit log. Nothing in it is changed but that a deleted account's network addresses go."""

from datetime import datetime
from uuid import UUID

from account.domain import Audited, AuditEvent
from account.ports import AuditFilter
from account.tables import AuditEventRow
from kit.db import Database, Record, Transaction, WhereClause, bounded_count
from kit.values import AUDIT, Position, exact_count

_COLUMNS = "id, time, action, actor_id, subject_id, address, detail, session_id, subject_kind"
_FORGET = "UPDATE audit_events SET address = '' WHERE address <> '' AND (actor_id = $1 OR actor_id IS NULL AND subject_id = $1)"


class PostgresAuditStore:
    """`ports.AuditStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def audit(
        self, tx: Transaction, event: AuditEvent, now: datetime, event_id: UUID | None = None
    ) -> None:
        """Writes an event."""
        row = AuditEventRow(
            id=event_id or AUDIT.new(),
            time=now,
            action=event.action,
            actor_id=event.actor_id,
            subject_id=event.subject_id,
            address=event.address,
            detail=event.detail,
            session_id=event.session_id,
            subject_kind=event.subject_kind,
        )
        await tx.run(AuditEventRow.insert(row))

    async def forget_addresses(self, tx: Transaction, account_id: UUID) -> None:
        """Also of those who were not signed in and said that they were the account."""
        await tx.execute(_FORGET, account_id)

    async def audit_page(self, which: AuditFilter, after: Position | None, limit: int) -> list[Audited]:
        """By keyset, never by offset."""
        asked = _conditions(which)
        if after is not None:
            asked.add("(time, id) < ({}, {})", *after)
        sql = f"SELECT {_COLUMNS} FROM audit_events {asked.sql} ORDER BY time DESC, id DESC LIMIT {limit:d}"  # noqa: S608
        return [_audited(row) for row in await self._db.fetch(sql, *asked.args)]

    async def audit_count(self, which: AuditFilter) -> int | None:
        """Reads no more than it counts."""
        asked = _conditions(which)
        count = bounded_count(f"SELECT FROM audit_events {asked.sql} ORDER BY time DESC, id DESC")
        return exact_count(await self._db.fetchval(count, *asked.args))


def _conditions(which: AuditFilter) -> WhereClause:
    asked = WhereClause()
    if which.actor_id is not None:
        asked.add("actor_id = {}", which.actor_id)
    if which.subject_id is not None:
        asked.add("subject_id = {} AND subject_kind = {}", which.subject_id, which.subject_kind)
    return asked


def _audited(row: Record) -> Audited:
    event = AuditEvent(
        action=row["action"],
        actor_id=row["actor_id"],
        subject_id=row["subject_id"],
        address=row["address"],
        detail=row["detail"],
        session_id=row["session_id"],
        subject_kind=row["subject_kind"],
    )
    return Audited(row["id"], row["time"], event)
