"""What the use cases of products need."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from catalog.categories.domain import Category
from catalog.products.domain import Product
from kit.db import Transaction


class ProductStore(Protocol):
    """The products table. Its readers do not see deleted products."""

    async def add(self, tx: Transaction, product: Product) -> None:
        """Raises SkuTaken."""

    async def save(self, tx: Transaction, product: Product) -> None:
        """Writes a changed product; raises SkuTaken."""

    async def delete(self, tx: Transaction, product_id: UUID, version: int, now: datetime) -> None:
        """Marks a product as deleted, with the version of the deletion."""

    async def lock(self, tx: Transaction, product_id: UUID) -> Product:
        """Locks a product's row until the transaction ends; raises ProductNotFound."""

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        """The products among the ids, in no particular order."""

    async def list_newest(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Product]:
        """Newest first, after a position."""

    async def find_or_create_category(self, tx: Transaction, new: Category) -> Category:
        """The category with the name of `new`, or else with that name as its slug, or else `new` with the first free slug."""


class StockLevels(Protocol):
    """Free stock of products and variants whose stock is tracked."""

    async def free(self, ids: Sequence[UUID]) -> Mapping[UUID, int]:
        """Free stock of the tracked variants among the ids."""

    async def sums(
        self, product_ids: Sequence[UUID], *, quantities: bool = True
    ) -> Mapping[UUID, tuple[int | None, bool]]:
        """The sum of the free stock of each product's variants, None if none is tracked, and whether any can be bought.

        Without `quantities`, which is cheaper, only products that can be bought, with None.
        """

    async def start_tracking(
        self, tx: Transaction, product_id: UUID, free: int, actor_id: UUID, now: datetime
    ) -> None:
        """Gives a new product its first stock."""


class ProductCache(Protocol):
    """Recently read products."""

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        """The products among the ids that are not deleted, from the cache or else from the table."""

    async def invalidate(self, *ids: UUID) -> None:
        """Removes products from the cache."""
