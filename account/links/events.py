"""The published messages of requested links."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from souk.account.v1 import events_pb2 as pb

from account.accounts.messages import account_to_proto
from account.links.domain import LinkRequested, Purpose
from kit.values import ACCOUNT, timestamp_to_proto


def _link_requested(event: LinkRequested) -> tuple[str, Message]:
    message = {
        Purpose.PASSWORD_RESET: pb.PasswordResetRequested,
        Purpose.EMAIL_VERIFICATION: pb.EmailVerificationRequested,
        Purpose.ORDER_ACCESS: pb.OrderLinkRequested,
    }[event.purpose]
    return ACCOUNT.format(event.account.id), message(
        account=account_to_proto(event.account),
        sealed_token=event.sealed_token,
        token_expire_time=timestamp_to_proto(event.expire_time),
    )


EVENTS: dict[type, Callable[[Any], tuple[str, Message]]] = {LinkRequested: _link_requested}
