"""Writing and reading the audit log."""

from uuid import UUID

from account.audit.domain import AuditEvent, AuditFilter, AuditRecord
from account.audit.ports import AuditStore
from kit.db import Database, Transaction, retry_on_contention
from kit.values import Clock, Page, Position


class AuditLog:
    """The use cases of the audit log."""

    def __init__(self, db: Database, store: AuditStore, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._clock = clock

    async def record(self, tx: Transaction, event: AuditEvent) -> None:
        """Records an event in the transaction of the action itself."""
        await self._store.add_event(tx, event, self._clock())

    @retry_on_contention
    async def record_alone(self, event: AuditEvent) -> None:
        """Records an event that changes nothing else, in its own transaction."""
        async with self._db.transaction() as tx:
            await self.record(tx, event)

    async def import_record(self, tx: Transaction, record: AuditRecord) -> None:
        """Records an administrator's action in another service."""
        await self._store.add_event(tx, record.event, record.time, record.id)

    async def erase_ip_addresses(self, tx: Transaction, account_id: UUID) -> None:
        """Erases the network addresses from which an account acted."""
        await self._store.erase_ip_addresses(tx, account_id)

    async def list_events(
        self, filter: AuditFilter, after: Position | None, size: int, *, count: bool
    ) -> Page[AuditRecord]:
        """A page of events, newest first; `count` adds their total."""
        records = await self._store.page_of_events(filter, after, size + 1)
        total = await self._store.count_events(filter) if count else None
        return Page.of(records, size, total)
