"""The facts that the account service publishes, and their messages: one table. Nothing is decided here."""

from google.protobuf.message import Message
from souk.account.v1 import events_pb2 as pb

from account.domain import AccountRegistered, AccountUpdated
from account.messages import account_to_proto
from kit.events import Topic
from kit.values import ACCOUNT


def _registered(fact: AccountRegistered) -> tuple[str, Message]:
    return ACCOUNT.format(fact.account.id), pb.AccountRegistered(account=account_to_proto(fact.account))


def _updated(fact: AccountUpdated) -> tuple[str, Message]:
    return ACCOUNT.format(fact.account.id), pb.AccountUpdated(account=account_to_proto(fact.account))


TOPIC = Topic("souk.account.v1", {AccountRegistered: _registered, AccountUpdated: _updated})
