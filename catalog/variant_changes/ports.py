"""What the use cases of changes need."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from catalog.products.domain import Product
from catalog.variants.domain import Variant, VariantWithStock
from kit.db import Transaction


class VariantStore(Protocol):
    """The variants table, without deleted variants, and the products that they belong to."""

    async def get_many(self, ids: Sequence[UUID]) -> list[VariantWithStock]:
        """The variants among the ids, in no particular order."""

    async def lock_product(self, tx: Transaction, product_id: UUID) -> Product:
        """Locks a product's row until the transaction ends; raises ProductNotFound."""

    async def lock_product_of(self, tx: Transaction, variant_id: UUID) -> Product:
        """Locks the row of a variant's product until the transaction ends; raises VariantNotFound."""

    async def of_product(self, tx: Transaction, product: Product) -> list[Variant]:
        """All variants of a locked product."""

    async def write(
        self, tx: Transaction, product: Product, variants: Sequence[Variant], deleted: Sequence[UUID] = ()
    ) -> None:
        """Writes a changed product with new and changed variants, and deletes others of its variants; raises SkuTaken."""


class StockLevels(Protocol):
    """Free stock of variants whose stock is tracked."""

    async def start_tracking_all(
        self, tx: Transaction, free: Mapping[UUID, int], actor_id: UUID, now: datetime
    ) -> None:
        """Gives new variants their first stock."""
