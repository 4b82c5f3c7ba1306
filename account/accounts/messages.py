"""Converts accounts and requests about them to and from protobuf."""

from uuid import UUID

from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as pb

from account.accounts.domain import Account
from kit.auth import Role
from kit.errors import InvalidArgument, Violation
from kit.values import ACCOUNT, FieldReader, timestamp_to_proto

ROLES = {Role.USER: account_pb2.ROLE_USER, Role.ADMIN: account_pb2.ROLE_ADMIN}


def account_to_proto(account: Account) -> account_pb2.Account:
    """An account as protobuf."""
    return account_pb2.Account(
        id=ACCOUNT.format(account.id),
        name=account.name,
        email=account.email,
        email_verified=account.email_verified,
        phone=account.phone,
        role=ROLES[account.role],
        create_time=timestamp_to_proto(account.create_time),
        update_time=timestamp_to_proto(account.update_time),
        guest=account.guest,
    )


def erasure_from_proto(request: pb.EraseAccountRequest) -> tuple[UUID, str]:
    """The account id and the reason; raises InvalidArgument."""
    account_id = ACCOUNT.parse(request.account_id, "accountId")
    reader = FieldReader()
    reason = reader.text(request.reason, "reason", min_length=1, max_length=500)
    reader.raise_if_invalid()
    return account_id, reason


def role_change_from_proto(request: pb.SetAccountRoleRequest) -> tuple[UUID, Role]:
    """The account id and the role; raises InvalidArgument."""
    account_id = ACCOUNT.parse(request.account_id, "accountId")
    for role, number in ROLES.items():
        if number == request.role:
            return account_id, role
    rule = "must be USER or ADMIN"
    raise InvalidArgument(f"role: {rule}", fields=[Violation(("role",), rule)])
