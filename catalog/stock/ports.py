"""What the use cases of stock need."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from catalog.products.domain import Product
from catalog.stock.domain import Adjustment
from kit.db import Transaction


class StockStore(Protocol):
    """Free stock, its adjustments, and changes of availability that are not published yet."""

    async def free(self, ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """Free stock of the tracked variants among the ids."""

    async def sums(self, product_ids: Sequence[UUID]) -> Mapping[UUID, tuple[int | None, bool]]:
        """The sum of the free stock of each product's variants, None if none is tracked, and whether any can be bought."""

    async def products_of(self, tx: Transaction, variant_ids: Iterable[UUID]) -> Mapping[UUID, UUID]:
        """The product of each variant."""

    async def lock(self, tx: Transaction, variant_id: UUID) -> int | None:
        """The free stock, locked until the transaction ends; None if it is not tracked."""

    async def write(
        self, tx: Transaction, adjustment: Adjustment, *, before: int | None, after: int | None
    ) -> None:
        """Records an adjustment and sets the free stock to `after`; None: not tracked.

        The product must be locked, or new. Raises IdempotencyConflict if an adjustment of another product has this id.
        """

    async def adjustment(self, tx: Transaction, adjustment_id: UUID) -> Adjustment | None:
        """An adjustment by its id."""

    async def list_adjustments(self, product_id: UUID) -> list[Adjustment]:
        """All adjustments of a product, oldest first."""

    async def pop_availability_changes(
        self, tx: Transaction, limit: int, now: datetime
    ) -> Mapping[UUID, bool]:
        """Removes up to `limit` changes from the queue and returns whether each variant is available now.

        Variants that were published within the last second stay in the queue.
        """


class ProductLocks(Protocol):
    """The products table."""

    async def lock(self, tx: Transaction, product_id: UUID) -> Product:
        """Locks a product's row until the transaction ends; raises ProductNotFound."""

    async def lock_of_variant(self, tx: Transaction, variant_id: UUID) -> Product | None:
        """Like `lock`, for the product of a variant; None if the variant does not exist or was deleted."""
