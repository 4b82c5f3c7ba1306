"""The published messages of an account's events."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from souk.account.v1 import events_pb2 as pb

from account.accounts.domain import AccountDeleted, AccountRegistered, AccountUpdated
from account.accounts.messages import account_to_proto
from kit.values import ACCOUNT, timestamp_to_proto


def _registered(event: AccountRegistered) -> tuple[str, Message]:
    return ACCOUNT.format(event.account.id), pb.AccountRegistered(account=account_to_proto(event.account))


def _updated(event: AccountUpdated) -> tuple[str, Message]:
    return ACCOUNT.format(event.account.id), pb.AccountUpdated(account=account_to_proto(event.account))


def _deleted(event: AccountDeleted) -> tuple[str, Message]:
    account_id = ACCOUNT.format(event.account_id)
    return account_id, pb.AccountDeleted(
        account_id=account_id, delete_time=timestamp_to_proto(event.delete_time)
    )


EVENTS: dict[type, Callable[[Any], tuple[str, Message]]] = {
    AccountRegistered: _registered,
    AccountUpdated: _updated,
    AccountDeleted: _deleted,
}
