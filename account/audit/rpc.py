"""The RPCs of the audit log."""

from souk.account.v1 import account_service_pb2 as pb

from account.audit.messages import audit_filter_from_proto, audit_record_to_proto
from account.audit.use_cases import AuditLog
from kit.rpc import Call
from kit.values import encode_position, requested_page


class AuditRpc:
    """Serves the audit log."""

    def __init__(self, log: AuditLog) -> None:
        self._log = log

    async def list_audit_events(
        self, request: pb.ListAuditEventsRequest, call: Call
    ) -> pb.ListAuditEventsResponse:
        """For an ADMIN."""
        call.require_admin()
        filter = audit_filter_from_proto(request)
        scope = repr(filter)
        after, size = requested_page(request, scope)
        page = await self._log.list_events(filter, after, size, count=request.count_total)
        entries = [
            pb.ListAuditEventsResponse.Entry(
                audit_event=audit_record_to_proto(record),
                cursor=encode_position(scope, record.time, record.id),
            )
            for record in page.items
        ]
        return pb.ListAuditEventsResponse(
            entries=entries, has_next_page=page.has_next, total_count=page.total
        )
