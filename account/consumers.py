"""What the audit log hears of other services, and what follows from a deletion once everybody can know of it."""

from souk.account.v1 import events_pb2 as account
from souk.audit.v1 import events_pb2 as audit

from account.domain import Audited, AuditEvent
from account.use_cases import Accounts
from kit.db import Transaction
from kit.events import Event, Subscription
from kit.values import ACCOUNT, AUDIT, SESSION, IdKind


class AccountEvents:
    """Reactions to souk.audit.v1, and to the account service's own topic."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def subscriptions(self) -> list[Subscription]:
        """Which reaction belongs to which fact."""
        return [
            Subscription("souk.audit.v1", {audit.AdminActed: self.admin_acted}),
            Subscription("souk.account.v1", {account.AccountDeleted: self.account_deleted}),
        ]

    async def admin_acted(self, tx: Transaction, event: Event[audit.AdminActed]) -> None:
        """AdminActed."""
        body = event.body
        kind = body.subject_id.rpartition("_")[0]
        told = AuditEvent(
            action=body.action,
            actor_id=ACCOUNT.parse(body.actor_id, "actor_id"),
            subject_id=IdKind(kind).parse(body.subject_id, "subject_id"),
            address=body.address,
            detail=body.detail,
            session_id=SESSION.parse(body.session_id, "session_id") if body.session_id else None,
            subject_kind=kind,
        )
        await self._accounts.record(tx, Audited(AUDIT.derive(str(event.id)), event.time, told))

    async def account_deleted(self, tx: Transaction, event: Event[account.AccountDeleted]) -> None:
        """AccountDeleted."""
        await self._accounts.forget_told(tx, ACCOUNT.parse(event.body.account_id, "account_id"))
