"""Consumes the actions of administrators in other services."""

from souk.audit.v1 import events_pb2 as audit

from account.audit.domain import AuditEvent, AuditRecord
from account.audit.use_cases import AuditLog
from kit.db import Transaction
from kit.events import Event, Subscription
from kit.values import ACCOUNT, AUDIT, SESSION, IdKind


class AuditEvents:
    """Consumes souk.audit.v1."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    def subscriptions(self) -> list[Subscription]:
        """The handler of each event type."""
        return [Subscription("souk.audit.v1", {audit.AdminActed: self.admin_acted})]

    async def admin_acted(self, tx: Transaction, event: Event[audit.AdminActed]) -> None:
        """Adds the action to the audit log under an id derived from the event id."""
        body = event.body
        kind = body.subject_id.rpartition("_")[0]
        action = AuditEvent(
            action=body.action,
            actor_id=ACCOUNT.parse(body.actor_id, "actor_id"),
            subject_id=IdKind(kind).parse(body.subject_id, "subject_id"),
            address=body.address,
            detail=body.detail,
            session_id=SESSION.parse(body.session_id, "session_id") if body.session_id else None,
            subject_kind=kind,
        )
        await self._log.import_record(tx, AuditRecord(AUDIT.derive(str(event.id)), event.time, action))
