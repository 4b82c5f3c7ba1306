"""The gRPC edge of profiles, deletion, roles, lists and the audit log, in this process and with real tokens."""

from typing import Any

import pytest
from souk.account.v1 import account_pb2

from account.tests.edges import PASSWORD, Edge, edge
from kit.auth import Principal
from kit.errors import (
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    Unauthenticated,
)
from kit.values import ACCOUNT, ORDER, PRODUCT

__all__ = ["edge"]


async def test_update_profile_changes_what_is_given(edge: Edge) -> None:
    caller, account = await edge.person()

    named = (await edge.call(caller, "UpdateProfile", name=" Jane ", phone="+41441234567")).account
    assert (named.name, named.phone) == ("Jane", "+41441234567")
    cleared = (await edge.call(caller, "UpdateProfile", phone="")).account
    assert (cleared.name, cleared.phone, cleared.email) == ("Jane", "", account.email)


async def test_update_profile_names_every_faulty_field(edge: Edge) -> None:
    caller, _ = await edge.person()

    with pytest.raises(InvalidArgument) as refusal:
        await edge.call(caller, "UpdateProfile", name="", phone="7")
    assert [fault.path for fault in refusal.value.fields] == [("name",), ("phone",)]


async def test_delete_account_lets_the_address_register_again(edge: Edge) -> None:
    registered = await edge.register()
    caller = await edge.caller(registered.tokens)

    await edge.call(caller, "DeleteAccount", password=PASSWORD)

    assert edge.world.orders.closed == [caller.account_id]
    for method, token in (("VerifyToken", caller.token), ("RefreshTokens", registered.tokens.refresh_token)):
        field = "access_token" if method == "VerifyToken" else "refresh_token"
        with pytest.raises(Unauthenticated):
            await edge.call(None, method, **{field: token})
    assert (await edge.register(email=registered.account.email)).account.id != registered.account.id


async def test_delete_account_takes_the_owners_password(edge: Edge) -> None:
    caller, account = await edge.person()

    with pytest.raises(InvalidArgument) as refusal:
        await edge.call(caller, "DeleteAccount", password="wrong-password")
    assert (refusal.value.reason, refusal.value.fields[0].path) == ("WRONG_PASSWORD", ("password",))
    assert (await edge.call(caller, "GetAccount", account_id=account.id)).account == account


async def test_delete_account_is_refused_while_orders_are_open(edge: Edge) -> None:
    caller, account = await edge.person()
    edge.world.orders.refuses = FailedPrecondition("open", reason="ORDERS_OPEN")

    with pytest.raises(FailedPrecondition) as refusal:
        await edge.call(caller, "DeleteAccount", password=PASSWORD)
    assert refusal.value.reason == "ORDERS_OPEN"
    assert (await edge.call(caller, "GetAccount", account_id=account.id)).account == account


async def test_erase_account_deletes_for_an_admin(edge: Edge) -> None:
    admin, (_, account) = await edge.admin(), await edge.person()

    await edge.call(admin, "EraseAccount", account_id=account.id, reason="asked by letter")

    for method in ("GetAccount", "EraseAccount"):
        reason = {"reason": "again"} if method == "EraseAccount" else {}
        with pytest.raises(NotFound):
            await edge.call(admin, method, account_id=account.id, **reason)


async def test_erase_account_wants_a_reason(edge: Edge) -> None:
    admin, (_, account) = await edge.admin(), await edge.person()

    for reason in ("", "x" * 501):
        with pytest.raises(InvalidArgument) as refusal:
            await edge.call(admin, "EraseAccount", account_id=account.id, reason=reason)
        assert [fault.path for fault in refusal.value.fields] == [("reason",)]


async def test_set_account_role_ends_the_sessions_that_tell_the_old_one(edge: Edge) -> None:
    admin, (person, account) = await edge.admin(), await edge.person()

    changed = await edge.call(admin, "SetAccountRole", account_id=account.id, role=account_pb2.ROLE_ADMIN)

    assert changed.account.role == account_pb2.ROLE_ADMIN
    with pytest.raises(Unauthenticated):
        await edge.verify(person.token)


async def test_set_account_role_knows_two_roles(edge: Edge) -> None:
    admin, (_, account) = await edge.admin(), await edge.person()

    for role in (0, 3):
        with pytest.raises(InvalidArgument):
            await edge.call(admin, "SetAccountRole", account_id=account.id, role=role)


async def test_the_last_admin_stays(edge: Edge) -> None:
    admin = await edge.admin()
    account_id = ACCOUNT.format(admin.account_id)
    calls: list[tuple[str, dict[str, Any]]] = [
        ("SetAccountRole", {"account_id": account_id, "role": account_pb2.ROLE_USER}),
        ("EraseAccount", {"account_id": account_id, "reason": "tired"}),
        ("DeleteAccount", {"password": PASSWORD}),
    ]
    for method, fields in calls:
        with pytest.raises(FailedPrecondition) as refusal:
            await edge.call(admin, method, **fields)
        assert refusal.value.reason == "LAST_ADMIN"
    assert not edge.world.orders.closed


async def test_list_accounts_pages_through_what_is_found(edge: Edge) -> None:
    admin = await edge.admin()
    made = [(await edge.register(name=f"Zoe {number}")).account.id for number in range(3)]

    found: list[str] = []
    cursor = ""
    while not found or cursor:
        page = await edge.call(
            admin, "ListAccounts", query="zo", page_size=2, page_token=cursor, count_total=True
        )
        found += [entry.account.id for entry in page.entries]
        cursor = page.entries[-1].cursor if page.has_next_page else ""
        assert page.total_count == 3
    assert sorted(found) == sorted(made)


async def test_list_accounts_refuses_what_is_out_of_bounds(edge: Edge) -> None:
    admin = await edge.admin()
    await edge.register()
    cursor = (await edge.call(admin, "ListAccounts", page_size=1)).entries[0].cursor

    for fields, path in (
        ({"query": "x" * 201}, "query"),
        ({"page_size": 101}, "first"),
        ({"page_token": "x"}, "after"),
        ({"page_token": cursor, "query": "other"}, "after"),
    ):
        with pytest.raises(InvalidArgument) as refusal:
            await edge.call(admin, "ListAccounts", **fields)
        assert [fault.path for fault in refusal.value.fields] == [(path,)]


async def test_list_audit_events_tells_who_did_what_to_whom(edge: Edge) -> None:
    admin, (_, account) = await edge.admin(), await edge.person()
    await edge.call(admin, "EraseAccount", account_id=account.id, reason="asked by letter")

    page = await edge.call(admin, "ListAuditEvents", subject_id=account.id, count_total=True)

    events = {entry.audit_event.action: entry.audit_event for entry in page.entries}
    assert set(events) == {"account.register", "account.erase"}
    assert events["account.erase"].actor_id == ACCOUNT.format(admin.account_id)
    assert events["account.erase"].detail == "asked by letter"
    assert page.total_count == 2
    mine = await edge.call(admin, "ListAuditEvents", account_id=account.id, page_size=1)
    assert [entry.audit_event.action for entry in mine.entries] == ["account.register"]
    assert not mine.has_next_page


async def test_list_audit_events_takes_ids_of_any_kind(edge: Edge) -> None:
    admin = await edge.admin()

    for subject in (PRODUCT.format(PRODUCT.new()), ORDER.format(ORDER.new())):
        assert not (await edge.call(admin, "ListAuditEvents", subject_id=subject)).entries
    for subject in ("x", "_", "acc_", "acc_x", "_" + "0" * 26, "A_" + "0" * 26):
        with pytest.raises(InvalidArgument) as refusal:
            await edge.call(admin, "ListAuditEvents", subject_id=subject)
        assert [fault.path for fault in refusal.value.fields] == [("subjectId",)]


@pytest.mark.parametrize("method", ["EraseAccount", "SetAccountRole", "ListAccounts", "ListAuditEvents"])
async def test_what_is_for_admins_is_for_nobody_else(edge: Edge, method: str) -> None:
    callers: list[tuple[Principal | None, type[Exception]]] = [
        (None, Unauthenticated),
        ((await edge.person())[0], PermissionDenied),
    ]
    for caller, refusal in callers:
        with pytest.raises(refusal):
            await edge.call(caller, method)


async def test_who_is_an_admin_no_more_writes_no_more(edge: Edge) -> None:
    first, second = await edge.admin(), await edge.admin()
    account_id = ACCOUNT.format(second.account_id)
    await edge.call(first, "SetAccountRole", account_id=account_id, role=account_pb2.ROLE_USER)

    with pytest.raises(Unauthenticated):
        await edge.call(second, "SetAccountRole", account_id=account_id, role=account_pb2.ROLE_ADMIN)
