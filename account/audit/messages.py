"""Converts the audit log's entries and filters to and from protobuf."""

from souk.account.v1 import account_service_pb2 as pb

from account.audit.domain import AuditFilter, AuditRecord
from kit.values import ACCOUNT, AUDIT, IdKind, timestamp_to_proto


def audit_record_to_proto(record: AuditRecord) -> pb.AuditEvent:
    """A stored event as protobuf."""
    event = record.event
    return pb.AuditEvent(
        id=AUDIT.format(record.id),
        create_time=timestamp_to_proto(record.time),
        action=event.action,
        actor_id=ACCOUNT.format(event.actor_id) if event.actor_id else "",
        subject_id=IdKind(event.subject_kind).format(event.subject_id) if event.subject_id else "",
        address=event.address,
        detail=event.detail,
    )


def audit_filter_from_proto(request: pb.ListAuditEventsRequest) -> AuditFilter:
    """The requested filter; raises InvalidArgument."""
    actor_id = ACCOUNT.parse(request.account_id, "accountId") if request.account_id else None
    if not request.subject_id:
        return AuditFilter(actor_id)
    kind = request.subject_id.rpartition("_")[0]
    # IdKind accepts lower-case ASCII letters only; "id" is the prefix of no id, so parsing rejects any other prefix.
    prefix = kind if kind.isascii() and kind.isalpha() and kind.islower() else "id"
    return AuditFilter(actor_id, IdKind(prefix).parse(request.subject_id, "subjectId"), kind)
