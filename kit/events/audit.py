"""The event of a write by an ADMIN, which the account service records in the audit log.

`Topic(..., also=AUDIT)` lets a service emit `AdminActed` in the transaction of the write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from google.protobuf.message import Message
from souk.audit.v1 import events_pb2 as pb

from kit.auth import Principal
from kit.events.topic import Topic
from kit.values import ACCOUNT, SESSION


@dataclass(frozen=True, slots=True)
class AdminActed:
    """A write by an ADMIN. `subject` is a TypeID; `action` is `<service>.<verb>`."""

    actor_id: UUID
    session_id: UUID
    action: str
    subject: str
    address: str = ""
    detail: str = ""

    @classmethod
    def by(
        cls, caller: Principal, action: str, subject: str, address: str = "", detail: str = ""
    ) -> AdminActed:
        """The event of a caller's action."""
        return cls(caller.account_id, caller.session_id, action, subject, address, detail)


def _message(event: AdminActed) -> tuple[str, Message]:
    return event.subject, pb.AdminActed(
        actor_id=ACCOUNT.format(event.actor_id),
        session_id=SESSION.format(event.session_id),
        action=event.action,
        subject_id=event.subject,
        address=event.address,
        detail=event.detail,
    )


AUDIT: Final = Topic("souk.audit.v1", {AdminActed: _message})
