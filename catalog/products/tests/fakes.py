"""In-memory ports of products. `test_store` runs on FakeProductStore and on PostgreSQL."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count
from uuid import UUID

from catalog.categories.domain import Category, CategoryWithCount
from catalog.identities import category_identity, sku_identity
from catalog.products.domain import Draft, Product
from catalog.products.errors import ProductNotFound, SkuTaken
from kit.values import Money


class FakeProductStore:
    """Products and categories. No locks: a test's coroutines switch only at awaits."""

    def __init__(self) -> None:
        self.products: dict[UUID, Product] = {}
        self._categories: dict[str, Category] = {}
        # The product of each variant of a product with options; the fake of variants changes it.
        self.product_of: dict[UUID, UUID] = {}
        self.skus_of_variants: dict[UUID, set[str]] = {}

    async def add(self, tx: object, product: Product) -> None:
        self._check_sku(product)
        self.products[product.id] = product

    async def save(self, tx: object, product: Product) -> None:
        self._check_sku(product)
        self.products[product.id] = product

    async def delete(self, tx: object, product_id: UUID, version: int, now: datetime) -> None:
        del self.products[product_id]

    async def lock(self, tx: object, product_id: UUID) -> Product:
        if product_id not in self.products:
            raise ProductNotFound()
        return self.products[product_id]

    async def lock_of_variant(self, tx: object, variant_id: UUID) -> Product | None:
        return self.products.get(self.product_of.get(variant_id, variant_id))

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        return [self.products[product_id] for product_id in set(ids) if product_id in self.products]

    async def list_newest(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Product]:
        newest = sorted(self.products.values(), key=_position, reverse=True)
        return [product for product in newest if after is None or _position(product) < after][:limit]

    async def find_or_create_category(self, tx: object, new: Category) -> Category:
        category = self._categories.get(category_identity(new.name))
        by_slug = {category.slug: category for category in self._categories.values()}
        if category is None and new.name not in by_slug:
            slugs = (new.slug if number == 1 else f"{new.slug}-{number}" for number in count(1))
            category = replace(new, slug=next(slug for slug in slugs if slug not in by_slug))
            self._categories[category_identity(new.name)] = category
        return category or by_slug[new.name]

    async def list_with_counts(self) -> list[CategoryWithCount]:
        counts = Counter(product.category for product in self.products.values())
        categories = sorted(self._categories.values(), key=lambda category: category.name)
        return [CategoryWithCount(category, counts[category]) for category in categories]

    def _check_sku(self, product: Product) -> None:
        others = [other for other in self.products.values() if other.id != product.id]
        taken = {sku_identity(other.sku) for other in others}
        taken.update(*(self.skus_of_variants.get(other.id, ()) for other in others))
        if product.sku and sku_identity(product.sku) in taken:
            raise SkuTaken()


class FakeCache:
    """Always reads the store; records invalidations."""

    def __init__(self, store: FakeProductStore) -> None:
        self._store = store
        self.invalidated: list[UUID] = []

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        return await self._store.get_many(ids)

    async def invalidate(self, *ids: UUID) -> None:
        self.invalidated += ids


def draft(
    name: str = "Mug",
    *,
    price: Money | None = None,
    sku: str = "",
    category: str = "",
    stock: int | None = None,
) -> Draft:
    """A draft with defaults."""
    return Draft.parse(
        name=name,
        description=f"{name} of steel",
        price=price or Money(999, "USD"),
        sku=sku,
        category=category,
        stock=stock,
    )


def _position(product: Product) -> tuple[datetime, UUID]:
    return product.create_time, product.id
