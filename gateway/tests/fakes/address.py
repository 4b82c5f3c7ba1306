"""A fake of the account service's saved addresses, as its contract says."""

from typing import Any

from souk.account.v1 import address_pb2
from souk.account.v1 import address_service_pb2 as address
from souk.order.v1 import order_pb2

from gateway.tests.fakes.recorder import NOW, Recorder
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer


def one_address(address_id: str) -> address_pb2.SavedAddress:
    return address_pb2.SavedAddress(
        id=address_id,
        address=order_pb2.Address(name="John Doe", line1="1 High Street", city="London", country_code="GB"),
        default_shipping=True,
        create_time=NOW,
        update_time=NOW,
    )


class AddressRpc(UnimplementedServicer):
    service = address.DESCRIPTOR.services_by_name["AddressService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record

    async def batch_list_addresses(self, request: Any, call: Call) -> address.BatchListAddressesResponse:
        self._record("BatchListAddresses", request, call)
        stored = address.BatchListAddressesResponse.AddressList(addresses=[one_address("adr_1")])
        return address.BatchListAddressesResponse(lists=[stored] * len(request.account_ids))

    async def create_address(self, request: Any, call: Call) -> address.CreateAddressResponse:
        self._record("CreateAddress", request, call)
        return address.CreateAddressResponse(address=one_address("adr_1"))

    async def update_address(self, request: Any, call: Call) -> address.UpdateAddressResponse:
        self._record("UpdateAddress", request, call)
        return address.UpdateAddressResponse(address=one_address(request.address_id))

    async def delete_address(self, request: Any, call: Call) -> address.DeleteAddressResponse:
        self._record("DeleteAddress", request, call)
        return address.DeleteAddressResponse()
