"""What the use cases of variants need."""

from collections.abc import Sequence
from typing import Protocol

from catalog.variants.domain import SellableVariant
from kit.values import SoldId


class VariantStore(Protocol):
    """The variants table."""

    async def price(self, ids: Sequence[SoldId]) -> list[SellableVariant | None]:
        """The variants with their current prices and free stock, in the order of the ids; None for unknown and deleted ones."""
