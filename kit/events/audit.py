"""What an ADMIN wrote, told by the service that wrote it to whoever keeps the audit log.

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
    """An ADMIN wrote something. `subject` is an id as it is written outside; `action` is `<service>.<verb>`."""

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
        """What a caller did."""
        return cls(caller.account_id, caller.session_id, action, subject, address, detail)


def _message(fact: AdminActed) -> tuple[str, Message]:
    return fact.subject, pb.AdminActed(
        actor_id=ACCOUNT.format(fact.actor_id),
        session_id=SESSION.format(fact.session_id),
        action=fact.action,
        subject_id=fact.subject,
        address=fact.address,
        detail=fact.detail,
    )


AUDIT: Final = Topic("souk.audit.v1", {AdminActed: _message})
