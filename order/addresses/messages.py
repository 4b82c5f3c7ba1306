"""The contract's address <-> the domain. Errors name the parts below the field of the address."""

from dataclasses import fields

from souk.order.v1 import order_pb2 as pb

from kit.values import FieldReader
from kit.values import read_address as read_parts
from order.addresses.domain import Address

_FIELDS = [field.name for field in fields(Address)]


def read_address(reader: FieldReader, address: pb.Address, field: str) -> Address:
    """An address; errors name the parts below `field`."""
    return Address(**read_parts(reader, address, field))


def address_to_proto(address: Address | None) -> pb.Address | None:
    """None stays None."""
    if address is None:
        return None
    # `asdict` copies every value, which costs more than the message.
    return pb.Address(**{name: getattr(address, name) for name in _FIELDS})
