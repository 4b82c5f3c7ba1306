"""Reading the variants of products, and what they cost."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from catalog.options import OptionValue
from catalog.products.errors import ProductNotFound
from catalog.products.ports import ProductCache
from catalog.variants.domain import (
    SellableVariant,
    VariantWithStock,
    pattern_of,
)
from catalog.variants.errors import VariantNotFound
from catalog.variants.ports import VariantReader
from kit.values import Page, SoldId

_EMPTY: Page[VariantWithStock] = Page((), has_next=False, total=None)


class Variants:
    """The use cases of variants. Changing them is in `variant_changes`."""

    def __init__(self, store: VariantReader, products: ProductCache) -> None:
        self._store = store
        self._products = products

    async def price(self, ids: Sequence[SoldId]) -> list[SellableVariant | None]:
        """What they cost and are now, None for unknown and deleted ones; reserves nothing."""
        return await self._store.price(ids)

    async def get(self, variant_id: UUID) -> VariantWithStock:
        """Raises VariantNotFound."""
        variants = await self.get_many([variant_id])
        if not variants:
            raise VariantNotFound()
        return variants[0]

    async def get_many(self, ids: Sequence[UUID]) -> list[VariantWithStock]:
        """The variants among the ids that are not deleted."""
        return await self._store.get_many(ids)

    async def page(
        self,
        product_id: UUID,
        options: Sequence[OptionValue],
        after: tuple[int, UUID] | None,
        size: int,
        *,
        count: bool,
    ) -> Page[VariantWithStock]:
        """A page of a product's variants that have all of the options; raises ProductNotFound."""
        if not await self._products.get_many([product_id]):
            raise ProductNotFound()
        [page] = await self.pages([product_id], options, after, size, count=count)
        return page

    async def pages(
        self,
        product_ids: Sequence[UUID],
        options: Sequence[OptionValue],
        after: tuple[int, UUID] | None,
        size: int,
        *,
        count: bool,
    ) -> list[Page[VariantWithStock]]:
        """A page for each product, in their order; empty for those that do not exist."""
        products = await self._products.get_many(product_ids)
        patterns = {product.id: chosen for product in products if (chosen := pattern_of(product, options))}
        pages = await self._store.page(patterns, after, size) if patterns else {}
        totals = await self._store.count(patterns) if count and patterns else {}
        return [
            replace(pages.get(product_id, _EMPTY), total=totals.get(product_id, 0) if count else None)
            for product_id in product_ids
        ]
