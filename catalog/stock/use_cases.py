"""Manual changes of stock, and publishing availability. Orders take stock through `reservations`."""

from catalog.products.domain import ProductWithStock
from catalog.products.use_cases import admin_acted
from catalog.stock.domain import ProductAvailabilityChanged, StockChange, StockOverride
from catalog.stock.ports import ProductLocks, StockStore
from kit.auth import Principal
from kit.db import Database, retry_on_contention
from kit.errors import IdempotencyConflict
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

        Raises ProductNotFound, StockNotTracked, InsufficientStock, StockLimitExceeded, IdempotencyConflict.
        """
        adjustment = change.to_adjustment(caller.account_id, self._clock())
        async with self._db.transaction() as tx:
            # The lock serializes concurrent requests with the same id.
            product = await self._products.lock(tx, change.product_id)
            previous = await self._store.adjustment(tx, adjustment.id)
            if previous is None:
                free = await self._store.lock(tx, product.id)
                await self._store.write(tx, adjustment, before=free, after=change.apply(free))
                await tx.emit(admin_acted(caller, "adjust_stock", product.id, address))
            elif previous.input_hash != adjustment.input_hash:
                raise IdempotencyConflict()
        return ProductWithStock(product, (await self._store.free([product.id])).get(product.id))

    @retry_on_contention
    async def override(self, caller: Principal, new: StockOverride, *, address: str = "") -> ProductWithStock:
        """Sets a product's free stock or stops tracking it; raises ProductNotFound, StockConflict."""
        async with self._db.transaction() as tx:
            product = await self._products.lock(tx, new.product_id)
            free = await self._store.lock(tx, product.id)
            adjustment = new.to_adjustment(free, caller.account_id, self._clock())
            await self._store.write(tx, adjustment, before=free, after=new.stock)
            await tx.emit(admin_acted(caller, "set_stock", product.id, address))
        return ProductWithStock(product, new.stock)

    @retry_on_contention
    async def publish_availability_changes(self) -> None:
        """Publishes products that sold out or are back in stock, each at most once a second."""
        while True:
            async with self._db.transaction() as tx:
                changes = await self._store.pop_availability_changes(tx, _PUBLISH_BATCH_SIZE, self._clock())
                await tx.emit(*(ProductAvailabilityChanged(*change) for change in changes.items()))
            if not changes:
                return
