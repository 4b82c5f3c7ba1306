"""The published message of a session's event."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from souk.account.v1 import events_pb2 as pb

from account.sessions.domain import SessionEnded
from kit.values import ACCOUNT, SESSION, timestamp_to_proto


def _session_ended(event: SessionEnded) -> tuple[str, Message]:
    account_id = ACCOUNT.format(event.account_id)
    return account_id, pb.SessionEnded(
        session_id=SESSION.format(event.session_id),
        account_id=account_id,
        tokens_expire_time=timestamp_to_proto(event.tokens_expire_time),
    )


EVENTS: dict[type, Callable[[Any], tuple[str, Message]]] = {SessionEnded: _session_ended}
