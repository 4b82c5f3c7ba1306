"""Converts addresses and requests about them to and from protobuf."""

from dataclasses import asdict
from uuid import UUID

from souk.account.v1 import address_pb2
from souk.account.v1 import address_service_pb2 as pb
from souk.order.v1 import order_pb2

from account.addresses.domain import AddressChange, PostalAddress, SavedAddress
from kit.values import ADDRESS, FieldReader, read_address, timestamp_to_proto


def new_address_from_proto(request: pb.CreateAddressRequest) -> tuple[PostalAddress, AddressChange]:
    """The address and its defaults; raises InvalidArgument with every invalid field."""
    reader = FieldReader()
    address = PostalAddress(**read_address(reader, request.address, "address"))
    reader.raise_if_invalid()
    return address, AddressChange(None, request.default_shipping, request.default_billing)


def change_from_proto(request: pb.UpdateAddressRequest) -> tuple[UUID, AddressChange]:
    """The id and the change; raises InvalidArgument with every invalid field."""
    address_id, reader, address = ADDRESS.parse(request.address_id, "id"), FieldReader(), None
    if request.HasField("address"):
        address = PostalAddress(**read_address(reader, request.address, "address"))
    reader.raise_if_invalid()
    shipping = request.default_shipping if request.HasField("default_shipping") else None
    billing = request.default_billing if request.HasField("default_billing") else None
    return address_id, AddressChange(address, shipping, billing)


def saved_address_to_proto(saved: SavedAddress) -> address_pb2.SavedAddress:
    """A saved address as protobuf."""
    return address_pb2.SavedAddress(
        id=ADDRESS.format(saved.id),
        address=order_pb2.Address(**asdict(saved.address)),
        default_shipping=saved.default_shipping,
        default_billing=saved.default_billing,
        create_time=timestamp_to_proto(saved.create_time),
        update_time=timestamp_to_proto(saved.update_time),
    )
