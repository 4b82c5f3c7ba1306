"""Saved addresses, and the conversions of postal addresses that orders share."""

from collections.abc import Mapping, Sequence

import strawberry
from souk.account.v1 import address_pb2 as address
from souk.account.v1 import address_service_pb2 as pb
from souk.order.v1 import order_pb2

from gateway.types.address import (
    Address,
    AddressInput,
    CreateAddressInput,
    SavedAddress,
    UpdateAddressInput,
)
from kit.graphql import CountryCode
from kit.graphql.conversions import instant, text_or_none
from kit.identity import Identity
from kit.rpc import Peer


class Addresses(Peer):
    """Saved addresses."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["AddressService"], identity)

    async def list_by_account(self, account_ids: Sequence[str]) -> Mapping[str, Sequence[SavedAddress]]:
        """BatchListAddresses, by account."""
        request = pb.BatchListAddressesRequest(account_ids=account_ids)
        response = await self._call("BatchListAddresses", request, pb.BatchListAddressesResponse)
        return {
            account_id: [_saved(message) for message in book.addresses]
            for account_id, book in zip(account_ids, response.lists, strict=True)
        }

    async def create(self, input: CreateAddressInput) -> SavedAddress:
        """CreateAddress."""
        request = pb.CreateAddressRequest(
            address=address_message(input.address),
            default_shipping=input.default_shipping,
            default_billing=input.default_billing,
        )
        return _saved((await self._call("CreateAddress", request, pb.CreateAddressResponse)).address)

    async def update(self, address_id: str, input: UpdateAddressInput) -> SavedAddress:
        """UpdateAddress."""
        request = pb.UpdateAddressRequest(
            address_id=address_id,
            address=address_message(input.address) if input.address else None,
            default_shipping=input.default_shipping,
            default_billing=input.default_billing,
        )
        return _saved((await self._call("UpdateAddress", request, pb.UpdateAddressResponse)).address)

    async def delete(self, address_id: str) -> None:
        """DeleteAddress."""
        request = pb.DeleteAddressRequest(address_id=address_id)
        await self._call("DeleteAddress", request, pb.DeleteAddressResponse)


def address_of(message: order_pb2.Address) -> Address:
    """An address of a message."""
    return Address(
        name=message.name,
        line1=message.line1,
        line2=text_or_none(message.line2),
        city=message.city,
        region=text_or_none(message.region),
        postal_code=message.postal_code,
        country_code=CountryCode(message.country_code),
    )


def address_message(input: AddressInput) -> order_pb2.Address:
    """The address as a message."""
    return order_pb2.Address(
        name=input.name,
        line1=input.line1,
        line2=input.line2 or "",
        city=input.city,
        region=input.region or "",
        postal_code=input.postal_code,
        country_code=input.country_code,
    )


def _saved(message: address.SavedAddress) -> SavedAddress:
    return SavedAddress(
        id=strawberry.ID(message.id),
        address=address_of(message.address),
        default_shipping=message.default_shipping,
        default_billing=message.default_billing,
        created_at=instant(message.create_time),
        updated_at=instant(message.update_time),
    )
