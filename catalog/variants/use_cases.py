"""Pricing variants."""

from collections.abc import Sequence

from catalog.variants.domain import SellableVariant
from catalog.variants.ports import VariantStore
from kit.values import SoldId


class Variants:
    """The use cases of variants."""

    def __init__(self, store: VariantStore) -> None:
        self._store = store

    async def price(self, ids: Sequence[SoldId]) -> list[SellableVariant | None]:
        """What they cost and are now, None for unknown and deleted ones; reserves nothing."""
        return await self._store.price(ids)
