"""The RPC of the audit log, on an in-process server with real tokens."""

import pytest

from account.tests.edges import Edge, edge
from kit.errors import InvalidArgument
from kit.values import ACCOUNT, ORDER, PRODUCT

__all__ = ["edge"]


async def test_list_audit_events_filters_by_actor_and_subject(edge: Edge) -> None:
    admin, (_, account) = await edge.admin(), await edge.customer()
    await edge.call(admin, "EraseAccount", account_id=account.id, reason="requested by letter")

    page = await edge.call(admin, "ListAuditEvents", subject_id=account.id, count_total=True)

    events = {entry.audit_event.action: entry.audit_event for entry in page.entries}
    assert set(events) == {"account.register", "account.erase"}
    assert events["account.erase"].actor_id == ACCOUNT.format(admin.account_id)
    assert events["account.erase"].detail == "requested by letter"
    assert page.total_count == 2
    own = await edge.call(admin, "ListAuditEvents", account_id=account.id, page_size=1)
    assert [entry.audit_event.action for entry in own.entries] == ["account.register"]
    assert not own.has_next_page


async def test_list_audit_events_accepts_ids_of_any_kind(edge: Edge) -> None:
    admin = await edge.admin()

    for subject in (PRODUCT.format(PRODUCT.new()), ORDER.format(ORDER.new())):
        assert not (await edge.call(admin, "ListAuditEvents", subject_id=subject)).entries
    for subject in ("x", "_", "acc_", "acc_x", "_" + "0" * 26, "A_" + "0" * 26):
        with pytest.raises(InvalidArgument) as error:
            await edge.call(admin, "ListAuditEvents", subject_id=subject)
        assert [field.path for field in error.value.fields] == [("subjectId",)]
