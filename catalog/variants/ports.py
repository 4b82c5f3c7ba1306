"""What the use cases of variants need."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from catalog.variants.domain import OptionPattern, SellableVariant, VariantWithStock
from kit.values import Page, SoldId


class VariantReader(Protocol):
    """The variants table, without deleted variants."""

    async def price(self, ids: Sequence[SoldId]) -> list[SellableVariant | None]:
        """The variants with their current prices and free stock, in the order of the ids; None for unknown and deleted ones."""

    async def get_many(self, ids: Sequence[UUID]) -> list[VariantWithStock]:
        """The variants among the ids, in no particular order."""

    async def page(
        self, patterns: Mapping[UUID, OptionPattern], after: tuple[int, UUID] | None, limit: int
    ) -> dict[UUID, Page[VariantWithStock]]:
        """A page of each product's variants in their declared order, after the position and id of a variant."""

    async def count(self, patterns: Mapping[UUID, OptionPattern]) -> dict[UUID, int]:
        """The number of each product's variants."""
