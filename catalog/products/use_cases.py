"""Creating, changing, deleting and reading products. Searching is in `search`, changing their stock in `stock`."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from catalog.categories.domain import Category
from catalog.products.domain import Changes, Draft, Product, ProductWithStock
from catalog.products.errors import ProductNotFound
from catalog.products.ports import ProductCache, ProductStore, StockLevels
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.events import AdminActed
from kit.values import PRODUCT, Clock
from kit.work import Batcher


class Products:
    """The use cases of products."""

    def __init__(
        self, db: Database, store: ProductStore, stock: StockLevels, cache: ProductCache, *, clock: Clock
    ) -> None:
        self._db = db
        self._store = store
        self._stock = stock
        self._cache = cache
        self._clock = clock
        # Concurrent requests share one query for their products' stock.
        self._free: Batcher[Sequence[UUID], Mapping[UUID, int]] = Batcher(self._free_of_all)

    @retry_on_contention
    async def create(self, caller: Principal, draft: Draft, *, address: str = "") -> ProductWithStock:
        """Raises SkuTaken."""
        now = self._clock()
        async with self._db.transaction() as tx:
            category = await self._category(tx, draft.category)
            product, event = Product.create(draft, category, now)
            await self._store.add(tx, product)
            if draft.stock is not None:
                await self._stock.start_tracking(tx, product.id, draft.stock, caller.account_id, now)
            await tx.emit(event, admin_acted(caller, "create_product", product.id, address))
        return ProductWithStock(product, draft.stock)

    @retry_on_contention
    async def update(
        self,
        caller: Principal,
        product_id: UUID,
        changes: Changes,
        *,
        expected_version: int | None,
        address: str = "",
    ) -> ProductWithStock:
        """Raises ProductNotFound, VersionConflict, SkuTaken, or InvalidArgument for a price in another currency."""
        async with self._db.transaction() as tx:
            current = await self._store.lock(tx, product_id)
            category = await self._category(tx, changes.category or "")
            product, event = current.change(
                changes, category, self._clock(), expected_version=expected_version
            )
            if event is not None:
                await self._store.save(tx, product)
                await tx.emit(event, admin_acted(caller, "update_product", product_id, address))
        await self._cache.invalidate(product_id)
        [result] = await self.with_stock([product])
        return result

    @retry_on_contention
    async def delete(self, caller: Principal, product_id: UUID, *, address: str = "") -> ProductWithStock:
        """Deletes a product and returns it as it was; raises ProductNotFound."""
        async with self._db.transaction() as tx:
            product = await self._store.lock(tx, product_id)
            event = product.delete()
            await self._store.delete(tx, product_id, event.version, self._clock())
            await tx.emit(event, admin_acted(caller, "delete_product", product_id, address))
        await self._cache.invalidate(product_id)
        [result] = await self.with_stock([product])
        return result

    async def get(
        self, product_id: UUID, *, quantities: bool = True, omit_stock: bool = False
    ) -> ProductWithStock:
        """Raises ProductNotFound. `quantities` and `omit_stock`: see `with_stock`."""
        products = await self._cache.get_many([product_id])
        if not products:
            raise ProductNotFound()
        return (await self.with_stock(products, quantities=quantities, omit_stock=omit_stock))[0]

    async def get_many(self, ids: Sequence[UUID], *, quantities: bool = True) -> list[ProductWithStock]:
        """The products among the ids that are not deleted. `quantities`: see `with_stock`."""
        return await self.with_stock(await self._cache.get_many(ids), quantities=quantities)

    async def list_newest(
        self, after: tuple[datetime, UUID] | None, size: int, *, quantities: bool = True
    ) -> tuple[list[ProductWithStock], bool]:
        """A page of the table, newest first, and whether there is a next page. `quantities`: see `with_stock`."""
        products = await self._store.list_newest(after, size + 1)
        return await self.with_stock(products[:size], quantities=quantities), len(products) > size

    async def with_stock(
        self, products: Sequence[Product], *, quantities: bool = True, omit_stock: bool = False
    ) -> list[ProductWithStock]:
        """Adds each product's free stock, in one query, and another one if any has options.

        Without `quantities`, only whether products with options are available: their variants' stock is not added up. With `omit_stock`
        no query: no product has any.
        """
        if omit_stock:
            return [ProductWithStock(product, None, False) for product in products]
        plain = [product.id for product in products if not product.options]
        free = await self._free.run(plain) if plain else {}
        with_options = [product.id for product in products if product.options]
        sums = await self._stock.sums(with_options, quantities=quantities) if with_options else {}
        return [
            ProductWithStock(product, *sums.get(product.id, (None, False)))
            if product.options
            else ProductWithStock(product, free.get(product.id))
            for product in products
        ]

    async def _free_of_all(self, lists: Sequence[Sequence[UUID]]) -> Sequence[Mapping[UUID, int]]:
        free = await self._stock.free(list({product_id for ids in lists for product_id in ids}))
        return [free] * len(lists)

    async def _category(self, tx: Transaction, name: str) -> Category | None:
        return await self._store.find_or_create_category(tx, Category.from_name(name)) if name else None


def admin_acted(caller: Principal, verb: str, product_id: UUID, address: str) -> AdminActed:
    """The audit log's entry for what an ADMIN did to a product."""
    return AdminActed.by(caller, f"catalog.{verb}", PRODUCT.format(product_id), address)
