"""Entries of the audit log. An entry never changes, except that deleting an account erases its network addresses."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from kit.auth import Principal
from kit.values import ACCOUNT


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Who did what to which resource, from which network address.

    `actor_id` is None for console commands and anonymous callers. The subject is an account unless `subject_kind`, the prefix of its
    id, says otherwise.
    """

    action: str
    actor_id: UUID | None
    subject_id: UUID | None
    address: str
    detail: str = ""
    session_id: UUID | None = None
    subject_kind: str = ACCOUNT.prefix

    @classmethod
    def by(
        cls, caller: Principal, action: str, address: str, *, subject_id: UUID | None = None, detail: str = ""
    ) -> "AuditEvent":
        """An action of a signed-in account; the subject defaults to that account."""
        subject = caller.account_id if subject_id is None else subject_id
        return cls(action, caller.account_id, subject, address, detail, caller.session_id)


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A stored event."""

    id: UUID
    time: datetime
    event: AuditEvent


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Selects events by actor and subject; None matches any. `subject_kind` is the prefix of the subject's id."""

    actor_id: UUID | None = None
    subject_id: UUID | None = None
    subject_kind: str = ""
