"""AddressService at the edge: inputs, owners, guests and the limit."""

from typing import Any

import pytest
from souk.account.v1 import address_pb2
from souk.account.v1 import address_service_pb2 as pb

from account.tests.edges import Edge, edge
from kit.auth import Principal
from kit.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied, Unauthenticated
from kit.values import ACCOUNT, ADDRESS

__all__ = ["edge"]

HOME = {"name": "John Doe", "line1": "1 High Street", "city": "London", "country_code": "gb"}


async def call(edge: Edge, caller: Principal | None, method: str, **fields: Any) -> Any:
    return await edge.call(caller, method, service=pb, **fields)


async def create(edge: Edge, caller: Principal, **fields: Any) -> address_pb2.SavedAddress:
    saved: address_pb2.SavedAddress = (
        await call(edge, caller, "CreateAddress", **({"address": HOME} | fields))
    ).address
    return saved


async def book(edge: Edge, caller: Principal, owner: Principal) -> list[address_pb2.SavedAddress]:
    ids = [ACCOUNT.format(owner.account_id)]
    response = await call(edge, caller, "BatchListAddresses", account_ids=ids)
    return list(response.lists[0].addresses)


async def test_an_owner_keeps_addresses_with_a_default_of_each_kind(edge: Edge) -> None:
    owner, _ = await edge.customer()
    first = await create(edge, owner, default_shipping=True, default_billing=True)
    second = await create(edge, owner, default_shipping=True)

    assert first.address.country_code == "GB"
    defaults = [
        (saved.id, saved.default_shipping, saved.default_billing) for saved in await book(edge, owner, owner)
    ]
    assert defaults == [(first.id, False, True), (second.id, True, False)]


async def test_a_change_leaves_what_it_does_not_name(edge: Edge) -> None:
    owner, _ = await edge.customer()
    saved = await create(edge, owner, default_shipping=True)

    named = await call(edge, owner, "UpdateAddress", address_id=saved.id, address=HOME | {"city": "Leeds"})
    assert (named.address.address.city, named.address.default_shipping) == ("Leeds", True)
    cleared = await call(edge, owner, "UpdateAddress", address_id=saved.id, default_shipping=False)
    assert (cleared.address.address.city, cleared.address.default_shipping) == ("Leeds", False)


async def test_all_invalid_parts_are_named(edge: Edge) -> None:
    owner, _ = await edge.customer()

    with pytest.raises(InvalidArgument) as rejected:
        await create(edge, owner, address={"line1": "x" * 101, "country_code": "XX"})

    assert {violation.path for violation in rejected.value.fields} == {
        ("address", "name"),
        ("address", "line1"),
        ("address", "city"),
        ("address", "countryCode"),
    }


async def test_the_address_book_has_a_limit(edge: Edge) -> None:
    owner, _ = await edge.customer()
    saved = [await create(edge, owner) for _ in range(50)]

    with pytest.raises(FailedPrecondition) as rejected:
        await create(edge, owner)

    assert rejected.value.reason == "ADDRESS_LIMIT"
    await call(edge, owner, "DeleteAddress", address_id=saved[0].id)
    await create(edge, owner)
    assert len(await book(edge, owner, owner)) == 50


async def test_an_address_of_another_account_is_not_found_and_an_admin_may_read_it(edge: Edge) -> None:
    owner, _ = await edge.customer()
    other, _ = await edge.customer()
    saved = await create(edge, owner)

    with pytest.raises(NotFound):
        await call(edge, other, "UpdateAddress", address_id=saved.id, default_billing=True)
    with pytest.raises(NotFound):
        await call(edge, other, "DeleteAddress", address_id=saved.id)
    with pytest.raises(PermissionDenied):
        await book(edge, other, owner)
    with pytest.raises(Unauthenticated):
        await call(edge, None, "CreateAddress", address=HOME)
    assert await book(edge, await edge.admin(), owner) == [saved]


@pytest.mark.parametrize("method", ["UpdateAddress", "DeleteAddress"])
async def test_an_unknown_and_a_malformed_id_are_distinguished(edge: Edge, method: str) -> None:
    owner, _ = await edge.customer()

    with pytest.raises(NotFound):
        await call(edge, owner, method, address_id=ADDRESS.format(ADDRESS.new()))
    with pytest.raises(InvalidArgument):
        await call(edge, owner, method, address_id="acc_1")


async def test_guests_have_no_address_book(edge: Edge) -> None:
    owner, _ = await edge.customer()
    token, _ = edge.world.issuer.access_token(owner.account_id, owner.role, owner.session_id, guest=True)
    guest = await edge.caller_of(token)

    for attempt in (create(edge, guest), book(edge, guest, guest)):
        with pytest.raises(PermissionDenied) as rejected:
            await attempt
        assert rejected.value.reason == "NOT_FOR_GUESTS"


async def test_a_revoked_session_changes_nothing(edge: Edge) -> None:
    owner, _ = await edge.customer()
    await edge.call(owner, "Logout")

    with pytest.raises(Unauthenticated):
        await create(edge, owner)
