"""The contract's messages of this service's values, for rpc and events, and what requests mean. Nothing is decided here."""

from uuid import UUID

from souk.account.v1 import account_pb2, account_service_pb2

from account.domain import Account, Audited
from account.ports import AuditFilter
from account.session_use_cases import SignedIn
from kit.auth import Role
from kit.errors import InvalidArgument, Violation
from kit.values import ACCOUNT, AUDIT, FieldReader, IdKind, Position, decode_position, timestamp_to_proto

ROLES = {Role.USER: account_pb2.ROLE_USER, Role.ADMIN: account_pb2.ROLE_ADMIN}


def account_to_proto(account: Account) -> account_pb2.Account:
    """An account as the contract has it."""
    return account_pb2.Account(
        id=ACCOUNT.format(account.id),
        name=account.name,
        email=account.email,
        email_verified=account.email_verified,
        phone=account.phone,
        role=ROLES[account.role],
        create_time=timestamp_to_proto(account.create_time),
        update_time=timestamp_to_proto(account.update_time),
    )


def tokens_to_proto(signed_in: SignedIn) -> account_pb2.Tokens:
    """A pair of tokens as the contract has it."""
    return account_pb2.Tokens(
        access_token=signed_in.access_token,
        access_token_expire_time=timestamp_to_proto(signed_in.access_token_expire_time),
        refresh_token=signed_in.refresh_token,
        refresh_token_expire_time=timestamp_to_proto(signed_in.refresh_token_expire_time),
    )


def audited_to_proto(audited: Audited) -> account_service_pb2.AuditEvent:
    """An event of the audit log as the contract has it."""
    event = audited.event
    return account_service_pb2.AuditEvent(
        id=AUDIT.format(audited.id),
        create_time=timestamp_to_proto(audited.time),
        action=event.action,
        actor_id=ACCOUNT.format(event.actor_id) if event.actor_id else "",
        subject_id=IdKind(event.subject_kind).format(event.subject_id) if event.subject_id else "",
        address=event.address,
        detail=event.detail,
    )


def erasure_from_proto(request: account_service_pb2.EraseAccountRequest) -> tuple[UUID, str]:
    """Whose account, and why; raises InvalidArgument."""
    account_id = ACCOUNT.parse(request.account_id, "accountId")
    given = FieldReader()
    reason = given.text(request.reason, "reason", min_length=1, max_length=500)
    given.raise_if_invalid()
    return account_id, reason


def role_change_from_proto(request: account_service_pb2.SetAccountRoleRequest) -> tuple[UUID, Role]:
    """Who, and which role; raises InvalidArgument."""
    account_id = ACCOUNT.parse(request.account_id, "accountId")
    for role, number in ROLES.items():
        if number == request.role:
            return account_id, role
    rule = "must be USER or ADMIN"
    raise InvalidArgument(f"role: {rule}", fields=[Violation(("role",), rule)])


def query_from_proto(request: account_service_pb2.ListAccountsRequest) -> str:
    """What is looked for; raises InvalidArgument."""
    given = FieldReader()
    query = given.text(request.query, "query", max_length=200)
    given.raise_if_invalid()
    return query


def audit_filter_from_proto(request: account_service_pb2.ListAuditEventsRequest) -> AuditFilter:
    """Which events; raises InvalidArgument."""
    actor_id = ACCOUNT.parse(request.account_id, "accountId") if request.account_id else None
    if not request.subject_id:
        return AuditFilter(actor_id)
    kind = request.subject_id.rpartition("_")[0]
    # Whatever else stands before the underscore is no prefix, and no kind of ours has it.
    known = IdKind(kind if kind.isascii() and kind.isalpha() and kind.islower() else "id")
    return AuditFilter(actor_id, known.parse(request.subject_id, "subjectId"), kind)


def page_from_proto(
    request: account_service_pb2.ListAccountsRequest | account_service_pb2.ListAuditEventsRequest, scope: str
) -> tuple[Position | None, int]:
    """Where the page begins, and how long it is; raises InvalidArgument, for a cursor of another list too."""
    given = FieldReader()
    size = given.page_size(request.page_size, "first")
    given.raise_if_invalid()
    return decode_position(request.page_token, scope, "after"), size
