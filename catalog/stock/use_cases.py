"""Manual changes of stock, and publishing availability. Orders take stock through `reservations`."""

from collections.abc import Mapping
from uuid import UUID

from catalog.products.domain import Product, ProductWithStock
from catalog.products.use_cases import admin_acted
from catalog.stock.domain import ProductAvailabilityChanged, StockChange, StockOverride
from catalog.stock.ports import ProductLocks, StockStore
from catalog.variants.errors import VariantNotFound, VariantRequired
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.errors import IdempotencyConflict, Violation
from kit.values import Clock

_PUBLISH_BATCH_SIZE = 500


class Stock:
    """The use cases of stock."""

    def __init__(self, db: Database, store: StockStore, products: ProductLocks, *, clock: Clock) -> None:
        self._db = db
        self._store = store
        self._products = products
        self._clock = clock

    @retry_on_contention
    async def adjust(self, caller: Principal, change: StockChange, *, address: str = "") -> ProductWithStock:
        """Applies a change once per caller and request id; returns the product as it is now.

        Raises ProductNotFound, VariantNotFound, VariantRequired,
        StockNotTracked, InsufficientStock, StockLimitExceeded, IdempotencyConflict.
        """
        adjustment = change.to_adjustment(caller.account_id, self._clock())
        async with self._db.transaction() as tx:
            # The lock serializes concurrent requests with the same id.
            product = await self._lock(tx, change.product_id, by_product=change.by_product)
            previous = await self._store.adjustment(tx, adjustment.id)
            if previous is None:
                free = await self._store.lock(tx, change.product_id)
                await self._store.write(tx, adjustment, before=free, after=change.apply(free))
                await tx.emit(admin_acted(caller, "adjust_stock", product.id, address))
            elif previous.input_hash != adjustment.input_hash:
                raise IdempotencyConflict()
        return await self._with_stock(product)

    @retry_on_contention
    async def override(self, caller: Principal, new: StockOverride, *, address: str = "") -> ProductWithStock:
        """Sets a variant's free stock or stops tracking it; raises ProductNotFound, VariantNotFound, VariantRequired, StockConflict."""
        async with self._db.transaction() as tx:
            product = await self._lock(tx, new.product_id, by_product=new.by_product)
            free = await self._store.lock(tx, new.product_id)
            adjustment = new.to_adjustment(free, caller.account_id, self._clock())
            await self._store.write(tx, adjustment, before=free, after=new.stock)
            await tx.emit(admin_acted(caller, "set_stock", product.id, address))
        return await self._with_stock(product)

    @retry_on_contention
    async def publish_availability_changes(self) -> None:
        """Publishes variants that sold out or are back in stock, each at most once a second."""
        while True:
            async with self._db.transaction() as tx:
                changes = await self._store.pop_availability_changes(tx, _PUBLISH_BATCH_SIZE, self._clock())
                products = await self._store.products_of(tx, changes)
                await tx.emit(*(_published(products, *change) for change in changes.items()))
            if not changes:
                return

    async def _lock(self, tx: Transaction, variant_id: UUID, *, by_product: bool) -> Product:
        """Locks the product of a variant, which serializes changes of its stock."""
        if not by_product:
            product = await self._products.lock_of_variant(tx, variant_id)
            if product is None:
                raise VariantNotFound()
            return product
        product = await self._products.lock(tx, variant_id)
        if product.options:
            rule = "must be one of the product's variants"
            raise VariantRequired(fields=[Violation(("productId",), rule)])
        return product

    async def _with_stock(self, product: Product) -> ProductWithStock:
        if product.options:
            # A product that was deleted since has no sum.
            sums = await self._store.sums([product.id])
            return ProductWithStock(product, *sums.get(product.id, (None, False)))
        return ProductWithStock(product, (await self._store.free([product.id])).get(product.id))


def _published(
    products: Mapping[UUID, UUID], variant_id: UUID, available: bool
) -> ProductAvailabilityChanged:
    product_id = products.get(variant_id, variant_id)
    return ProductAvailabilityChanged(product_id, available, None if variant_id == product_id else variant_id)
