"""The fake of the port of the audit log."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from account.audit.domain import AuditEvent, AuditFilter, AuditRecord
from account.tests.rows import Rows
from kit.db import Transaction
from kit.values import AUDIT, Position, exact_count


class FakeAuditStore(Rows):
    """In memory."""

    async def add_event(
        self, tx: Transaction, event: AuditEvent, time: datetime, event_id: UUID | None = None
    ) -> None:
        self.audits.append(AuditRecord(event_id or AUDIT.new(), time, event))

    async def erase_ip_addresses(self, tx: Transaction, account_id: UUID) -> None:
        self.audits = [
            replace(record, event=replace(record.event, address=""))
            if record.event.actor_id == account_id
            or (record.event.actor_id is None and record.event.subject_id == account_id)
            else record
            for record in self.audits
        ]

    async def page_of_events(
        self, filter: AuditFilter, after: Position | None, limit: int
    ) -> list[AuditRecord]:
        records = sorted(
            self._audit_records(filter), key=lambda record: (record.time, record.id), reverse=True
        )
        return [record for record in records if after is None or (record.time, record.id) < after][:limit]

    async def count_events(self, filter: AuditFilter) -> int | None:
        return exact_count(len(self._audit_records(filter)))

    def _audit_records(self, filter: AuditFilter) -> list[AuditRecord]:
        subject = (filter.subject_id, filter.subject_kind)
        return [
            record
            for record in self.audits
            if filter.actor_id in (None, record.event.actor_id)
            and (filter.subject_id is None or subject == (record.event.subject_id, record.event.subject_kind))
        ]
