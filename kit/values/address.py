"""Validates postal addresses, which carts, orders and accounts hold."""

from typing import Protocol

from kit.values.text import FieldReader

_MAX_LINE_LENGTH = 100


class AddressFields(Protocol):
    """An address as a client sent it, such as a protobuf message."""

    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country_code: str


def read_address(reader: FieldReader, address: AddressFields, *path: str | int) -> dict[str, str]:
    """The cleaned parts by name; violations name `path` and the API's name of the part. line2, region and postal_code may be empty."""

    def part(value: str, name: str, min_length: int = 0) -> str:
        return reader.name(value, *path, name, min_length=min_length, max_length=_MAX_LINE_LENGTH)

    return {
        "name": part(address.name, "name", 1),
        "line1": part(address.line1, "line1", 1),
        "line2": part(address.line2, "line2"),
        "city": part(address.city, "city", 1),
        "region": part(address.region, "region"),
        "postal_code": part(address.postal_code, "postalCode"),
        "country_code": reader.country(address.country_code, *path, "countryCode"),
    }
