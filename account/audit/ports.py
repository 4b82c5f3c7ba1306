"""What the audit log needs from its store."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from account.audit.domain import AuditEvent, AuditFilter, AuditRecord
from kit.db import Transaction
from kit.values import Position


class AuditStore(Protocol):
    """The audit log."""

    async def add_event(
        self, tx: Transaction, event: AuditEvent, time: datetime, event_id: UUID | None = None
    ) -> None:
        """Inserts an event; generates its id when none is passed."""

    async def erase_ip_addresses(self, tx: Transaction, account_id: UUID) -> None:
        """Erases the network addresses from which an account acted."""

    async def page_of_events(
        self, filter: AuditFilter, after: Position | None, limit: int
    ) -> Sequence[AuditRecord]:
        """Events, newest first."""

    async def count_events(self, filter: AuditFilter) -> int | None:
        """The number of matching events; None above MAX_COUNT."""
