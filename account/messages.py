"""The contract's messages of this service's values, for rpc and events. Nothing is decided here."""

from souk.account.v1 import account_pb2 as pb

from account.domain import Account
from kit.auth import Role
from kit.values import ACCOUNT, timestamp_to_proto

ROLES = {Role.USER: pb.ROLE_USER, Role.ADMIN: pb.ROLE_ADMIN}


def account_to_proto(account: Account) -> pb.Account:
    """An account as the contract has it."""
    return pb.Account(
        id=ACCOUNT.format(account.id),
        name=account.name,
        email=account.email,
        email_verified=account.email_verified,
        phone=account.phone,
        role=ROLES[account.role],
        create_time=timestamp_to_proto(account.create_time),
        update_time=timestamp_to_proto(account.update_time),
    )
