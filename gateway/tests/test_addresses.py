"""The address book: what is sent to the service, and what is shown of its answer."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.tests.world import USER, World, opened
from kit.errors import PermissionDenied
from kit.values import ACCOUNT

OWN = ACCOUNT.format(USER.account_id)
ADDRESS = {
    "name": "John Doe",
    "line1": "1 High Street",
    "city": "London",
    "postalCode": "N1 9GU",
    "countryCode": "GB",
}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with opened(tmp_path) as world:
        yield world


async def test_the_address_book_is_a_field_of_its_account(world: World) -> None:
    document = "{ me { addresses { id address { name line2 countryCode } defaultShipping defaultBilling } } }"
    response = await world.ask(document)

    [saved] = response["data"]["me"]["addresses"]
    assert saved["address"] == {"name": "John Doe", "line2": None, "countryCode": "GB"}
    assert (saved["id"], saved["defaultShipping"], saved["defaultBilling"]) == ("adr_1", True, False)
    request, _ = world.recorder.last("BatchListAddresses")
    assert list(request.account_ids) == [OWN]


async def test_the_addresses_of_a_page_of_accounts_take_one_call(world: World) -> None:
    await world.ask("{ accounts(first: 10) { nodes { addresses { id } } } }")
    assert world.recorder.names() == ["ListAccounts", "BatchListAddresses"]


async def test_a_new_address_is_sent_with_its_defaults(world: World) -> None:
    document = "mutation($i: CreateAddressInput!) { createAddress(input: $i) { id } }"
    response = await world.ask(document, i={"address": ADDRESS, "defaultBilling": True})

    assert response["data"] == {"createAddress": {"id": "adr_1"}}
    request, _ = world.recorder.last("CreateAddress")
    assert (request.address.postal_code, request.address.line2) == ("N1 9GU", "")
    assert (request.default_shipping, request.default_billing) == (False, True)


async def test_a_change_sends_what_it_names(world: World) -> None:
    document = 'mutation($i: UpdateAddressInput!) { updateAddress(id: "adr_7", input: $i) { id } }'
    response = await world.ask(document, i={"defaultShipping": False, "defaultBilling": None})

    assert response["data"] == {"updateAddress": {"id": "adr_7"}}
    request, _ = world.recorder.last("UpdateAddress")
    assert not request.HasField("address")
    assert (request.HasField("default_shipping"), request.default_shipping) == (True, False)
    assert not request.HasField("default_billing")


async def test_an_address_is_deleted(world: World) -> None:
    response = await world.ask('mutation { deleteAddress(id: "adr_7") }')
    assert response["data"] == {"deleteAddress": True}
    request, _ = world.recorder.last("DeleteAddress")
    assert request.address_id == "adr_7"


async def test_a_guests_book_is_null_and_the_rest_of_the_response_complete(world: World) -> None:
    world.recorder.raises["BatchListAddresses"] = PermissionDenied("not for guests", reason="NOT_FOR_GUESTS")
    response = await world.ask("{ me { id addresses { id } } }")

    assert response["data"] == {"me": {"id": OWN, "addresses": None}}
    assert response["errors"][0]["extensions"]["reason"] == "NOT_FOR_GUESTS"
