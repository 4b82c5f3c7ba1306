"""A saved address and its changes. Carts and orders hold copies, so nothing refers to it."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from kit.values import ADDRESS

# Enough for any person; the whole book is read at once.
MAX_ADDRESSES: Final = 50


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Optional parts may be empty. `country_code` is ISO 3166-1 alpha-2."""

    name: str
    line1: str
    line2: str
    city: str
    region: str
    postal_code: str
    country_code: str


@dataclass(frozen=True, slots=True)
class AddressChange:
    """A validated change; None leaves a field as it is."""

    address: PostalAddress | None
    default_shipping: bool | None
    default_billing: bool | None


@dataclass(frozen=True, slots=True)
class SavedAddress:
    """An address of an account, which has at most one default for shipping and one for billing."""

    id: UUID
    account_id: UUID
    address: PostalAddress
    default_shipping: bool
    default_billing: bool
    create_time: datetime
    update_time: datetime

    @classmethod
    def create(cls, account_id: UUID, address: PostalAddress, now: datetime) -> "SavedAddress":
        """A new address that is no default."""
        return cls(ADDRESS.new(), account_id, address, False, False, now, now)

    def change(self, change: AddressChange, now: datetime) -> "SavedAddress":
        """The changed address."""
        shipping, billing = change.default_shipping, change.default_billing
        return replace(
            self,
            address=change.address or self.address,
            default_shipping=self.default_shipping if shipping is None else shipping,
            default_billing=self.default_billing if billing is None else billing,
            update_time=now,
        )
