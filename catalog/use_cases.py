"""What people and operators do with products, and ADMINs with their stock. What orders do with it is in `stock_use_cases`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from catalog.domain import Category, Changes, Draft, Product, Shown
from catalog.errors import IdempotencyConflict, ProductNotFound
from catalog.ports import (
    AdminVerifier,
    Criteria,
    Facet,
    ProductCache,
    ProductSearch,
    ProductStore,
    StockStore,
)
from catalog.stock_domain import Adjustment, StockChange, StockCount
from kit.auth import Principal
from kit.db import Database, Transaction, retry_on_contention
from kit.events import AdminActed
from kit.values import PRODUCT, Clock
from kit.work import Batcher


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Products with the cursor and the highlight of each; an empty one where none was asked for."""

    hits: tuple[tuple[Shown, str, str], ...]
    has_next: bool
    total: int | None
    facets: tuple[Facet, ...]


class Products:
    """The use cases of products."""

    def __init__(
        self,
        db: Database,
        store: ProductStore,
        stock: StockStore,
        cache: ProductCache,
        search: ProductSearch,
        admins: AdminVerifier,
        *,
        clock: Clock,
    ) -> None:
        self._db = db
        self._store = store
        self._stock = stock
        self._cache = cache
        self._search = search
        self._admins = admins
        self._clock = clock
        # Lists that are shown at the same moment ask for their stock together.
        self._stock_of: Batcher[Sequence[UUID], Mapping[UUID, int]] = Batcher(self._stock_of_many)

    @retry_on_contention
    async def create(self, caller: Principal, draft: Draft, *, address: str = "") -> Shown:
        """Makes a product; raises SkuTaken."""
        await self._admins.require_admin(caller)
        now = self._clock()
        async with self._db.transaction() as tx:
            category = await self._category(tx, draft.category)
            product, fact = Product.create(draft, category, now)
            await self._store.add(tx, product)
            if draft.stock is not None:
                begun = Adjustment.begun(product.id, draft.stock, caller.account_id, now)
                await self._stock.write(tx, begun, before=None, after=draft.stock)
            await tx.emit(fact, _acted(caller, "create_product", product.id, address))
        return Shown(product, draft.stock)

    @retry_on_contention
    async def update(
        self,
        caller: Principal,
        product_id: UUID,
        changes: Changes,
        *,
        expected_version: int | None,
        address: str = "",
    ) -> Shown:
        """Changes a product; raises ProductNotFound, VersionConflict, SkuTaken."""
        await self._admins.require_admin(caller)
        async with self._db.transaction() as tx:
            found = await self._locked(tx, product_id)
            category = await self._category(tx, changes.category or "")
            product, fact = found.change(changes, category, self._clock(), expected_version=expected_version)
            if fact is not None:
                await self._store.save(tx, product)
                await tx.emit(fact, _acted(caller, "update_product", product_id, address))
        await self._cache.forget(product_id)
        [shown] = await self._shown([product])
        return shown

    @retry_on_contention
    async def delete(self, caller: Principal, product_id: UUID, *, address: str = "") -> Shown:
        """Ends a product and answers it as it was; raises ProductNotFound."""
        await self._admins.require_admin(caller)
        async with self._db.transaction() as tx:
            product = await self._locked(tx, product_id)
            fact = product.delete()
            await self._store.delete(tx, product_id, fact.version, self._clock())
            await tx.emit(fact, _acted(caller, "delete_product", product_id, address))
        await self._cache.forget(product_id)
        [shown] = await self._shown([product])
        return shown

    @retry_on_contention
    async def adjust_stock(self, caller: Principal, change: StockChange, *, address: str = "") -> Shown:
        """Adds to a product's free stock or takes from it, once for each caller and request id; answers the product as it is now.

        Raises ProductNotFound, NotTracked, InsufficientStock, StockLimit, IdempotencyConflict.
        """
        await self._admins.require_admin(caller)
        wanted = change.of(caller.account_id, self._clock())
        async with self._db.transaction() as tx:
            # Two of the same request meet at the product's lock: the second sees what the first did.
            product = await self._locked(tx, change.product_id)
            done = await self._stock.adjustment(tx, wanted.id)
            if done is None:
                free = await self._stock.lock(tx, product.id)
                await self._stock.write(tx, wanted, before=free, after=change.applied_to(free))
                await tx.emit(_acted(caller, "adjust_stock", product.id, address))
            elif done.input_hash != wanted.input_hash:
                raise IdempotencyConflict("this key was used with other input")
        [shown] = await self._shown([product])
        return shown

    @retry_on_contention
    async def set_stock(self, caller: Principal, count: StockCount, *, address: str = "") -> Shown:
        """Sets a product's free stock, or stops tracking it; raises ProductNotFound, StockConflict."""
        await self._admins.require_admin(caller)
        async with self._db.transaction() as tx:
            product = await self._locked(tx, count.product_id)
            free = await self._stock.lock(tx, product.id)
            made = count.instead_of(free, caller.account_id, self._clock())
            await self._stock.write(tx, made, before=free, after=count.stock)
            await tx.emit(_acted(caller, "set_stock", product.id, address))
        return Shown(product, count.stock)

    async def get(self, product_id: UUID) -> Shown:
        """A living product; raises ProductNotFound."""
        found = await self.get_many([product_id])
        if not found:
            raise ProductNotFound()
        return found[0]

    async def get_many(self, ids: Sequence[UUID]) -> list[Shown]:
        """The living products among the ids."""
        return await self._shown(await self._cache.get_many(ids))

    async def newest(self, after: tuple[datetime, UUID] | None, size: int) -> tuple[list[Shown], bool]:
        """A page of the table, and whether more follow."""
        products = await self._store.newest(after, size + 1)
        return await self._shown(products[:size]), len(products) > size

    async def search(self, criteria: Criteria) -> SearchPage:
        """A page of what the index finds, with stock as the table has it; raises SearchUnavailable."""
        found = await self._search.find(criteria)
        shown = await self._shown([product for product, _ in found.hits])
        cursors = [cursor for _, cursor in found.hits]
        highlights = found.highlights or [""] * len(cursors)
        hits = tuple(zip(shown, cursors, highlights, strict=True))
        return SearchPage(hits, found.has_next, found.total, found.facets)

    async def suggest(self, prefix: str, size: int) -> Sequence[str]:
        """Names of products for a search box; raises SearchUnavailable."""
        return await self._search.suggest(prefix, size) if prefix else []

    async def categories(self) -> list[tuple[Category, int]]:
        """All of them by name, with how many living products each has."""
        return await self._store.categories()

    async def _shown(self, products: Sequence[Product]) -> list[Shown]:
        """With their stock, in one statement."""
        if not products:
            return []
        free = await self._stock_of.run([product.id for product in products])
        return [Shown(product, free.get(product.id)) for product in products]

    async def _stock_of_many(self, lists: Sequence[Sequence[UUID]]) -> Sequence[Mapping[UUID, int]]:
        free = await self._stock.free(list({product_id for ids in lists for product_id in ids}))
        return [free] * len(lists)

    async def _locked(self, tx: Transaction, product_id: UUID) -> Product:
        found = await self._store.lock(tx, product_id)
        if found is None:
            raise ProductNotFound()
        return found

    async def _category(self, tx: Transaction, name: str) -> Category | None:
        return await self._store.category(tx, Category.named(name)) if name else None


def _acted(caller: Principal, verb: str, product_id: UUID, address: str) -> AdminActed:
    """For the audit log."""
    return AdminActed.by(caller, f"catalog.{verb}", PRODUCT.format(product_id), address)
