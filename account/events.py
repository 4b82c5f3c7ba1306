"""The facts that the account service publishes, and their messages: one table. Nothing is decided here."""

from google.protobuf.message import Message
from souk.account.v1 import events_pb2 as pb

from account.domain import AccountDeleted, AccountRegistered, AccountUpdated, LinkRequested, Purpose
from account.messages import account_to_proto
from account.session_domain import SessionEnded
from kit.events import Topic
from kit.values import ACCOUNT, SESSION, timestamp_to_proto


def _registered(fact: AccountRegistered) -> tuple[str, Message]:
    return ACCOUNT.format(fact.account.id), pb.AccountRegistered(account=account_to_proto(fact.account))


def _updated(fact: AccountUpdated) -> tuple[str, Message]:
    return ACCOUNT.format(fact.account.id), pb.AccountUpdated(account=account_to_proto(fact.account))


def _deleted(fact: AccountDeleted) -> tuple[str, Message]:
    account_id = ACCOUNT.format(fact.account_id)
    return account_id, pb.AccountDeleted(
        account_id=account_id, delete_time=timestamp_to_proto(fact.delete_time)
    )


def _session_ended(fact: SessionEnded) -> tuple[str, Message]:
    account_id = ACCOUNT.format(fact.account_id)
    return account_id, pb.SessionEnded(
        session_id=SESSION.format(fact.session_id),
        account_id=account_id,
        tokens_expire_time=timestamp_to_proto(fact.tokens_expire_time),
    )


def _link_requested(fact: LinkRequested) -> tuple[str, Message]:
    message = {
        Purpose.PASSWORD_RESET: pb.PasswordResetRequested,
        Purpose.EMAIL_VERIFICATION: pb.EmailVerificationRequested,
    }[fact.purpose]
    return ACCOUNT.format(fact.account.id), message(
        account=account_to_proto(fact.account),
        sealed_token=fact.sealed_token,
        token_expire_time=timestamp_to_proto(fact.expire_time),
    )


TOPIC = Topic(
    "souk.account.v1",
    {
        AccountRegistered: _registered,
        AccountUpdated: _updated,
        AccountDeleted: _deleted,
        SessionEnded: _session_ended,
        LinkRequested: _link_requested,
    },
)
