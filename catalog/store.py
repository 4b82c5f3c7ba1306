"""The only reader and writer of products and categories: rows <-> domain. Stock is in `stock_store`."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count
from uuid import UUID

from catalog.domain import Category, Product
from catalog.errors import SkuTaken
from kit.db import Database, Record, Transaction, UniqueViolation, WhereClause, try_exclusive_lock
from kit.values import Money

_SELECT = """
SELECT p.*, c.slug AS category_slug, c.name AS category_name
FROM products p LEFT JOIN categories c ON c.id = p.category_id
"""
_ADD = """
INSERT INTO products (id, name, description, price, currency, sku, category_id, image_urls, version, create_time, update_time)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_SAVE = """
UPDATE products SET name = $2, description = $3, price = $4, sku = $5,
    sku_shared = sku_shared AND sku IS NOT DISTINCT FROM $5, category_id = $6, image_urls = $7, version = $8, update_time = $9
WHERE id = $1
"""
_DELETE = "UPDATE products SET version = $2, update_time = $3, delete_time = $3 WHERE id = $1"
# The name first: a slug may read like another category's name.
_CATEGORY = """
SELECT id, slug, name FROM categories WHERE category_identity(name) = category_identity($1) OR slug = $1
ORDER BY category_identity(name) = category_identity($1) DESC LIMIT 1
"""
_ADD_CATEGORY = """
INSERT INTO categories (id, slug, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id, slug, name
"""
# Those that had one identity before it was unique are not in the unique index.
_SKU_SHARED = """
SELECT true FROM products WHERE sku_identity(sku) = sku_identity($1) AND delete_time IS NULL AND sku_shared AND id <> $2
AND NOT EXISTS (SELECT FROM products p WHERE p.id = $2 AND p.sku = $1) LIMIT 1
"""
# Counted from the index of living products by category alone.
_CATEGORIES = """
SELECT c.id, c.slug, c.name, coalesce(p.count, 0) AS count
FROM categories c LEFT JOIN (
    SELECT category_id, count(*) AS count FROM products WHERE delete_time IS NULL AND category_id IS NOT NULL GROUP BY category_id
) p ON p.category_id = c.id
ORDER BY c.name, c.slug
"""


class PostgresProductStore:
    """`ports.ProductStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, tx: Transaction, product: Product) -> None:
        """Raises SkuTaken."""
        await self._check_shared(tx, product)
        try:
            await tx.execute(
                _ADD,
                product.id,
                product.name,
                product.description,
                product.price.minor,
                product.price.currency,
                product.sku or None,
                product.category.id if product.category else None,
                product.image_urls,
                product.version,
                product.create_time,
                product.update_time,
            )
        except UniqueViolation as error:
            raise _sku_taken(error) from error

    async def save(self, tx: Transaction, product: Product) -> None:
        """Writes a changed product; raises SkuTaken."""
        await self._check_shared(tx, product)
        try:
            await tx.execute(
                _SAVE,
                product.id,
                product.name,
                product.description,
                product.price.minor,
                product.sku or None,
                product.category.id if product.category else None,
                product.image_urls,
                product.version,
                product.update_time,
            )
        except UniqueViolation as error:
            raise _sku_taken(error) from error

    async def delete(self, tx: Transaction, product_id: UUID, version: int, now: datetime) -> None:
        """Marks a product deleted, at the deletion's version."""
        await tx.execute(_DELETE, product_id, version, now)

    async def lock(self, tx: Transaction, product_id: UUID) -> Product | None:
        """A living product, locked until the transaction ends."""
        row = await tx.fetchrow(
            f"{_SELECT} WHERE p.id = $1 AND p.delete_time IS NULL FOR UPDATE OF p", product_id
        )
        return _product(row) if row else None

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        """The living products among the ids."""
        rows = await self._db.fetch(
            f"{_SELECT} WHERE p.id = ANY($1::uuid[]) AND p.delete_time IS NULL", list(ids)
        )
        return [_product(row) for row in rows]

    async def newest(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Product]:
        """By keyset, never by offset."""
        asked = WhereClause()
        asked.add("p.delete_time IS NULL")
        if after is not None:
            asked.add("(p.create_time, p.id) < ({}, {})", *after)
        sql = f"{_SELECT} {asked.sql} ORDER BY p.create_time DESC, p.id DESC LIMIT {limit:d}"
        rows = await self._db.fetch(sql, *asked.args)
        return [_product(row) for row in rows]

    async def category(self, tx: Transaction, wanted: Category) -> Category:
        """The category with the wanted one's name, or whose slug that is; it is made when there is none, with a slug that is free."""
        slugs = (wanted.slug if number == 1 else f"{wanted.slug}-{number}" for number in count(1))
        while (row := await tx.fetchrow(_CATEGORY, wanted.name)) is None:
            row = await tx.fetchrow(_ADD_CATEGORY, wanted.id, next(slugs), wanted.name)
            if row is not None:
                break
        return Category(row["id"], row["slug"], row["name"])

    async def categories(self) -> list[tuple[Category, int]]:
        """All of them by name, with how many living products each has."""
        rows = await self._db.fetch(_CATEGORIES)
        return [(Category(row["id"], row["slug"], row["name"]), row["count"]) for row in rows]

    async def rows_for_index(self, ids: Sequence[UUID]) -> list[tuple[Product, bool, bool]]:
        """Products as they are now, deleted ones too: with whether each lives, and whether it can be bought."""
        rows = await self._db.fetch(_FOR_INDEX, list(ids))
        return [(_product(row), row["delete_time"] is None, row["available"]) for row in rows]

    async def ids_after(self, after: UUID | None, limit: int) -> list[UUID]:
        """Ids of products, deleted ones too, in their order."""
        return [row["id"] for row in await self._db.fetch(_IDS, after or UUID(int=0), limit)]

    async def changed_since(self, time: datetime) -> list[UUID]:
        """Products that were changed, or ran out or came back, since then; those about to be told so too."""
        return [row["id"] for row in await self._db.fetch(_CHANGED, time)]

    async def _check_shared(self, tx: Transaction, product: Product) -> None:
        if product.sku and await tx.fetchval(_SKU_SHARED, product.sku, product.id):
            raise SkuTaken()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Whether nobody else is in such a block now, on any replica: a lock that ends with its process."""
        async with try_exclusive_lock(self._db.url, "souk-reindex", _REINDEX) as held:
            yield held


_IDS = "SELECT id FROM products WHERE id > $1 ORDER BY id LIMIT $2"
_REINDEX = 0x52494E44  # any number; locks are per database
_CHANGED = """
SELECT id FROM products WHERE update_time >= $1
UNION SELECT product_id FROM availability_told WHERE told_time >= $1
UNION SELECT product_id FROM availability_changes
"""
_FOR_INDEX = """
SELECT p.*, c.slug AS category_slug, c.name AS category_name, coalesce(s.free > 0, true) AS available
FROM products p LEFT JOIN categories c ON c.id = p.category_id LEFT JOIN stock s ON s.product_id = p.id
WHERE p.id = ANY($1::uuid[])
"""


def _product(row: Record) -> Product:
    category_id = row["category_id"]
    return Product(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        price=Money(row["price"], row["currency"]),
        sku=row["sku"] or "",
        category=Category(category_id, row["category_slug"], row["category_name"]) if category_id else None,
        image_urls=tuple(row["image_urls"]),
        version=row["version"],
        create_time=row["create_time"],
        update_time=row["update_time"],
    )


def _sku_taken(error: UniqueViolation) -> Exception:
    return SkuTaken() if error.constraint_name == "products_sku" else error
