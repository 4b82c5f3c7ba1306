"""Declaring the variants of a product, and updating one."""

from collections.abc import Sequence
from uuid import UUID

from catalog.products.domain import Product
from catalog.products.ports import ProductCache
from catalog.products.use_cases import admin_acted
from catalog.variant_changes.declaration import Declaration
from catalog.variant_changes.domain import Changes, with_variants
from catalog.variant_changes.ports import StockLevels, VariantStore
from catalog.variants.domain import Variant, VariantWithStock
from catalog.variants.errors import VariantNotFound
from kit.auth import Principal
from kit.db import Database, retry_on_contention
from kit.values import Clock


class VariantChanges:
    """The use cases. Each raises the version of their product."""

    def __init__(
        self, db: Database, store: VariantStore, stock: StockLevels, cache: ProductCache, *, clock: Clock
    ) -> None:
        self._db = db
        self._store = store
        self._stock = stock
        self._cache = cache
        self._clock = clock

    @retry_on_contention
    async def declare(
        self,
        caller: Principal,
        product_id: UUID,
        declaration: Declaration,
        *,
        expected_version: int | None,
        address: str = "",
    ) -> Product:
        """Gives a product these options and variants; raises ProductNotFound, VersionConflict, SkuTaken, or InvalidArgument."""
        now = self._clock()
        async with self._db.transaction() as tx:
            product = await self._store.lock_product(tx, product_id)
            product.require_version(expected_version)
            existing = await self._store.of_product(tx, product)
            variants = declaration.resolve(product, existing)
            if product.options == declaration.options and _by_id(variants) == _by_id(existing):
                return product
            terms = [variant.terms for variant in variants]
            product, event = with_variants(product, declaration.options, terms, now)
            known = {product_id, *_by_id(existing)}
            await self._store.write(tx, product, variants, list(_by_id(existing).keys() - _by_id(variants)))
            stock = {
                variant.id: declared.stock
                for variant, declared in zip(variants, declaration.variants, strict=True)
                if declared.stock is not None and variant.id not in known
            }
            if stock:
                await self._stock.start_tracking_all(tx, stock, caller.account_id, now)
            await tx.emit(event, admin_acted(caller, "set_variants", product_id, address))
        await self._cache.invalidate(product_id)
        return product

    @retry_on_contention
    async def update(
        self,
        caller: Principal,
        variant_id: UUID,
        changes: Changes,
        *,
        expected_version: int | None,
        address: str = "",
    ) -> VariantWithStock:
        """Raises VariantNotFound, VersionConflict, SkuTaken, or InvalidArgument."""
        async with self._db.transaction() as tx:
            product = await self._store.lock_product_of(tx, variant_id)
            product.require_version(expected_version)
            if changes.price is not None:
                product.require_currency(changes.price, "price")
            variants = {variant.id: variant for variant in await self._store.of_product(tx, product)}
            current = variants[variant_id]
            changed = Variant(
                variant_id, product.id, current.position, current.options, changes.apply(current.terms)
            )
            if changed != current:
                variants[variant_id] = changed
                terms = [variant.terms for variant in variants.values()]
                product, event = with_variants(product, product.options, terms, self._clock())
                await self._store.write(tx, product, [changed])
                await tx.emit(event, admin_acted(caller, "update_variant", product.id, address))
        await self._cache.invalidate(product.id)
        results = await self._store.get_many([variant_id])
        if not results:
            # Deleted since, by another ADMIN.
            raise VariantNotFound()
        return results[0]


def _by_id(variants: Sequence[Variant]) -> dict[UUID, Variant]:
    return {variant.id: variant for variant in variants}
