"""The published messages of guests' events."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from souk.account.v1 import events_pb2 as pb

from account.accounts.messages import account_to_proto
from account.guests.domain import GuestContactSet, GuestMerged
from kit.values import ACCOUNT, timestamp_to_proto


def _contact_set(event: GuestContactSet) -> tuple[str, Message]:
    return ACCOUNT.format(event.account.id), pb.AccountUpdated(
        account=account_to_proto(event.account),
        sealed_order_token=event.sealed_token,
        order_token_expire_time=timestamp_to_proto(event.expire_time),
    )


def _merged(event: GuestMerged) -> tuple[str, Message]:
    guest_id = ACCOUNT.format(event.guest_id)
    return guest_id, pb.GuestMerged(guest_id=guest_id, into_id=ACCOUNT.format(event.into_id))


EVENTS: dict[type, Callable[[Any], tuple[str, Message]]] = {
    GuestContactSet: _contact_set,
    GuestMerged: _merged,
}
