"""The gRPC servicer of saved addresses."""

from souk.account.v1 import address_service_pb2 as pb

from account.addresses.messages import change_from_proto, new_address_from_proto, saved_address_to_proto
from account.addresses.use_cases import Addresses
from kit.rpc import Call
from kit.values import ACCOUNT, ADDRESS


class AddressRpc:
    """souk.account.v1.AddressService."""

    service = pb.DESCRIPTOR.services_by_name["AddressService"]

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses

    async def batch_list_addresses(
        self, request: pb.BatchListAddressesRequest, call: Call
    ) -> pb.BatchListAddressesResponse:
        """For the owner and an ADMIN."""
        caller, ids = call.require_principal(), ACCOUNT.parse_unique(request.account_ids, "account_ids")
        stored = await self._addresses.list_by_account(caller, ids)
        return pb.BatchListAddressesResponse(
            lists=[
                pb.BatchListAddressesResponse.AddressList(addresses=map(saved_address_to_proto, book))
                for book in stored
            ]
        )

    async def create_address(self, request: pb.CreateAddressRequest, call: Call) -> pb.CreateAddressResponse:
        """For the caller's account."""
        caller = call.require_principal()
        address, defaults = new_address_from_proto(request)
        saved = await self._addresses.create(caller, address, defaults)
        return pb.CreateAddressResponse(address=saved_address_to_proto(saved))

    async def update_address(self, request: pb.UpdateAddressRequest, call: Call) -> pb.UpdateAddressResponse:
        """For the owner."""
        caller = call.require_principal()
        saved = await self._addresses.update(caller, *change_from_proto(request))
        return pb.UpdateAddressResponse(address=saved_address_to_proto(saved))

    async def delete_address(self, request: pb.DeleteAddressRequest, call: Call) -> pb.DeleteAddressResponse:
        """For the owner."""
        caller, address_id = call.require_principal(), ADDRESS.parse(request.address_id, "id")
        await self._addresses.delete(caller, address_id)
        return pb.DeleteAddressResponse()
