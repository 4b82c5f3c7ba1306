"""What the use cases of shipping zones need."""

from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from kit.values import Page
from order.rules.domain import Snapshot
from order.shipping.domain import StoredZone


class ZoneStore(Protocol):
    """Shipping zones."""

    async def page(self, after: tuple[str, UUID] | None, limit: int) -> Page[StoredZone]:
        """A page of zones, by name, after the name and id of a zone; without a total, and shorter where zones are large."""

    async def count(self) -> int:
        """The number of zones."""

    async def lock(self, tx: Transaction, zone_id: UUID) -> StoredZone | None:
        """A zone, while no other transaction can change any rules; None if it does not exist."""

    async def save(self, tx: Transaction, stored: StoredZone) -> None:
        """Replaces everything about a zone, or adds it. Raises PlaceTaken, RateOverlap, ShippingZoneLimit."""

    async def delete(self, tx: Transaction, zone_id: UUID) -> None:
        """Deletes a zone with its places and methods."""


class RulesReader(Protocol):
    """The rules of prices."""

    async def newest(self) -> Snapshot:
        """The rules as they are now."""
