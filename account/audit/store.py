"""The only reader and writer of the table `audit_events`."""

from datetime import datetime
from uuid import UUID

from account.audit.domain import AuditEvent, AuditFilter, AuditRecord
from account.tables import AuditEventRow
from kit.db import Database, Record, Transaction, WhereClause, bounded_count
from kit.values import AUDIT, Position, exact_count

_COLUMNS = "id, time, action, actor_id, subject_id, address, detail, session_id, subject_kind"
# Includes anonymous attempts to sign in to the account.
_ERASE_ADDRESSES = "UPDATE audit_events SET address = '' WHERE address <> '' AND (actor_id = $1 OR actor_id IS NULL AND subject_id = $1)"


class PostgresAuditStore:
    """`ports.AuditStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add_event(
        self, tx: Transaction, event: AuditEvent, time: datetime, event_id: UUID | None = None
    ) -> None:
        """Inserts an event; generates its id when none is passed."""
        row = AuditEventRow(
            id=event_id or AUDIT.new(),
            time=time,
            action=event.action,
            actor_id=event.actor_id,
            subject_id=event.subject_id,
            address=event.address,
            detail=event.detail,
            session_id=event.session_id,
            subject_kind=event.subject_kind,
        )
        await tx.run(AuditEventRow.insert(row))

    async def erase_ip_addresses(self, tx: Transaction, account_id: UUID) -> None:
        """Erases the network addresses from which an account acted."""
        await tx.execute(_ERASE_ADDRESSES, account_id)

    async def page_of_events(
        self, filter: AuditFilter, after: Position | None, limit: int
    ) -> list[AuditRecord]:
        """Keyset pagination, never an offset."""
        conditions = _conditions(filter)
        if after is not None:
            conditions.add("(time, id) < ({}, {})", *after)
        sql = f"SELECT {_COLUMNS} FROM audit_events {conditions.sql} ORDER BY time DESC, id DESC LIMIT {limit:d}"  # noqa: S608
        return [_record(row) for row in await self._db.fetch(sql, *conditions.args)]

    async def count_events(self, filter: AuditFilter) -> int | None:
        """Stops reading at the limit of the count."""
        conditions = _conditions(filter)
        count = bounded_count(f"SELECT FROM audit_events {conditions.sql} ORDER BY time DESC, id DESC")
        return exact_count(await self._db.fetchval(count, *conditions.args))


def _conditions(filter: AuditFilter) -> WhereClause:
    conditions = WhereClause()
    if filter.actor_id is not None:
        conditions.add("actor_id = {}", filter.actor_id)
    if filter.subject_id is not None:
        conditions.add("subject_id = {} AND subject_kind = {}", filter.subject_id, filter.subject_kind)
    return conditions


def _record(row: Record) -> AuditRecord:
    event = AuditEvent(
        action=row["action"],
        actor_id=row["actor_id"],
        subject_id=row["subject_id"],
        address=row["address"],
        detail=row["detail"],
        session_id=row["session_id"],
        subject_kind=row["subject_kind"],
    )
    return AuditRecord(row["id"], row["time"], event)
