"""GuestService at the edge: who may call, and what is returned."""

from typing import Any

import pytest
from souk.account.v1 import guest_service_pb2 as pb

from account.guests.domain import GuestMerged
from account.tests.edges import Edge, edge
from kit.auth import Principal
from kit.errors import InvalidArgument, PermissionDenied, Unauthenticated
from kit.values import ACCOUNT

__all__ = ["edge"]


async def call(edge: Edge, caller: Principal | None, method: str, **fields: Any) -> Any:
    return await edge.call(caller, method, service=pb, **fields)


async def start(edge: Edge) -> tuple[Principal, pb.StartGuestResponse]:
    started: pb.StartGuestResponse = await call(edge, None, "StartGuest")
    return await edge.caller(started.tokens), started


async def test_start_guest_returns_a_guest_whose_token_reads_itself_only(edge: Edge) -> None:
    guest, started = await start(edge)
    _, other = await edge.customer()

    assert (started.account.guest, started.account.name, started.account.email) == (True, "", "")
    own = await edge.call(guest, "GetAccount", account_id=started.account.id)
    assert own.account == started.account
    batch = await edge.call(guest, "BatchGetAccounts", account_ids=[started.account.id, other.id])
    assert list(batch.accounts) == [started.account]


async def test_set_guest_contact_names_every_invalid_field_within_contact(edge: Edge) -> None:
    guest, _ = await start(edge)
    with pytest.raises(InvalidArgument) as rejected:
        await call(edge, guest, "SetGuestContact", email="no address", phone="1")
    paths = {violation.path for violation in rejected.value.fields}
    assert paths == {("contact", "name"), ("contact", "email"), ("contact", "phone")}

    saved = await call(edge, guest, "SetGuestContact", name="Jane", email="Jane@Example.com")
    assert (saved.account.email, saved.account.guest) == ("jane@example.com", True)
    with pytest.raises(Unauthenticated):
        await call(edge, None, "SetGuestContact", name="Jane", email="jane@example.com")


async def test_an_account_has_no_guests_contact(edge: Edge) -> None:
    account, _ = await edge.customer()
    with pytest.raises(InvalidArgument) as rejected:
        await call(edge, account, "SetGuestContact", name="Jane", email="jane@example.com")
    assert rejected.value.reason == "GUEST_ONLY"


async def test_merge_guest_can_be_repeated_after_the_session_was_revoked(edge: Edge) -> None:
    guest, started = await start(edge)
    account, _ = await edge.customer()
    edge.verifier.revoked_sessions.add(guest.session_id, 4e9)

    for _ in range(2):
        merged = await call(edge, account, "MergeGuest", guest_token=guest.token)
        assert merged.guest_id == started.account.id
    assert [type(event) for event in edge.world.db.events].count(GuestMerged) == 1
    with pytest.raises(Unauthenticated):
        await call(edge, None, "MergeGuest", guest_token=guest.token)


async def test_a_guest_merges_no_other_guest(edge: Edge) -> None:
    guest, _ = await start(edge)
    other, _ = await start(edge)
    with pytest.raises(PermissionDenied) as rejected:
        await call(edge, guest, "MergeGuest", guest_token=other.token)
    assert rejected.value.reason == "NOT_FOR_GUESTS"


async def test_register_takes_the_token_of_a_guest(edge: Edge) -> None:
    guest, started = await start(edge)
    registered = await edge.register(guest_token=guest.token)

    assert (registered.account.id, registered.account.guest) == (started.account.id, False)
    with pytest.raises(InvalidArgument) as rejected:
        await edge.register(guest_token=guest.token)
    assert [violation.path for violation in rejected.value.fields] == [("guestToken",)]


async def test_a_guest_deletes_itself_and_changes_nothing_that_needs_an_account(edge: Edge) -> None:
    guest, _ = await start(edge)
    for method, fields in [
        ("UpdateProfile", {"name": "Jane"}),
        ("ChangePassword", {"current_password": "", "new_password": "SecurePass123!"}),
        ("RequestEmailVerification", {}),
    ]:
        with pytest.raises(PermissionDenied) as rejected:
            await edge.call(guest, method, **fields)
        assert rejected.value.reason == "NOT_FOR_GUESTS"
    await edge.call(guest, "DeleteAccount")
    assert await edge.is_revoked(guest.token)


async def test_open_order_link_and_request_order_link_need_no_token(edge: Edge) -> None:
    guest, started = await start(edge)
    await call(edge, guest, "SetGuestContact", name="Jane", email="jane@example.com")
    edge.world.guest_orders.owners["1042"] = ACCOUNT.parse(started.account.id)

    await call(edge, None, "RequestOrderLink", number="1042", email="JANE@example.com")
    opened = await call(edge, None, "OpenOrderLink", token=edge.last_link())

    assert opened.account.id == started.account.id
    assert (await edge.caller(opened.tokens)).guest
    with pytest.raises(InvalidArgument) as rejected:
        await call(edge, None, "OpenOrderLink", token="guessed")
    assert rejected.value.reason == "LINK_INVALID"
