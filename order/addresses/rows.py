"""An address as a jsonb column."""

import orjson

from order.addresses.domain import Address


def address_to_json(address: Address | None) -> str | None:
    """None stays None."""
    return orjson.dumps(address).decode() if address else None


def address_from_json(text: str | None) -> Address | None:
    """None stays None."""
    return Address(**orjson.loads(text)) if text else None
