"""The only writer of the products table, and its reader for use cases. `indexing.store` reads it for the search index.

The variant of a product without options is written by a trigger (migration 0009), those of a product with options by `variants.store`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import orjson

from catalog.categories.domain import Category
from catalog.categories.store import find_or_create
from catalog.options import ProductOption
from catalog.products.domain import Product
from catalog.products.errors import ProductNotFound, SkuTaken
from kit.db import Database, ExclusionViolation, Record, Transaction, UniqueViolation, WhereClause
from kit.values import Money

_SELECT: Final = """
SELECT p.*, c.slug AS category_slug, c.name AS category_name
FROM products p LEFT JOIN categories c ON c.id = p.category_id
"""
_ADD: Final = """
INSERT INTO products
    (id, name, description, price, currency, sku, category_id, image_urls, version, create_time, update_time, tax_class)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
_SAVE: Final = """
UPDATE products SET name = $2, description = $3, price = $4, sku = $5,
    sku_shared = sku_shared AND sku IS NOT DISTINCT FROM $5, category_id = $6, image_urls = $7, version = $8, update_time = $9,
    options = $10, price_max = $11, tax_class = $12
WHERE id = $1
"""
_DELETE: Final = "UPDATE products SET version = $2, update_time = $3, delete_time = $3 WHERE id = $1"
# SKUs whose identity was already shared when it became unique are not in the unique index (migration 0004).
_IS_SHARED_SKU: Final = """
SELECT true FROM variants WHERE sku_identity(sku) = sku_identity($1) AND delete_time IS NULL AND sku_shared AND product_id <> $2
AND NOT EXISTS (SELECT FROM products p WHERE p.id = $2 AND p.sku = $1) LIMIT 1
"""
_PRODUCT_OF_VARIANT: Final = "SELECT product_id FROM variants WHERE id = $1 AND delete_time IS NULL"


class PostgresProductStore:
    """`ports.ProductStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def add(self, tx: Transaction, product: Product) -> None:
        """Raises SkuTaken."""
        await self._write(
            tx,
            product,
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
            product.tax_class,
        )

    async def save(self, tx: Transaction, product: Product) -> None:
        """Writes a changed product; raises SkuTaken."""
        await self._write(
            tx,
            product,
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
            orjson.dumps(product.options).decode(),
            product.price_max.minor if product.options else None,
            product.tax_class,
        )

    async def delete(self, tx: Transaction, product_id: UUID, version: int, now: datetime) -> None:
        """Marks a product as deleted, with the version of the deletion."""
        await tx.execute(_DELETE, product_id, version, now)

    async def lock(self, tx: Transaction, product_id: UUID) -> Product:
        """Locks a product's row until the transaction ends; raises ProductNotFound."""
        row = await tx.fetchrow(
            f"{_SELECT} WHERE p.id = $1 AND p.delete_time IS NULL FOR UPDATE OF p", product_id
        )
        if row is None:
            raise ProductNotFound()
        return product_from_row(row)

    async def lock_of_variant(self, tx: Transaction, variant_id: UUID) -> Product | None:
        """Looks again once the product is locked: the variant may be deleted while waiting for the lock."""
        product_id = await tx.fetchval(_PRODUCT_OF_VARIANT, variant_id)
        product = None if product_id is None else await self.lock(tx, product_id)
        return product if await tx.fetchval(_PRODUCT_OF_VARIANT, variant_id) else None

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        """The products among the ids, in no particular order."""
        rows = await self._db.fetch(
            f"{_SELECT} WHERE p.id = ANY($1::uuid[]) AND p.delete_time IS NULL", list(ids)
        )
        return [product_from_row(row) for row in rows]

    async def list_newest(self, after: tuple[datetime, UUID] | None, limit: int) -> list[Product]:
        """Newest first, after a position (keyset, index products_newest)."""
        where = WhereClause()
        where.add("p.delete_time IS NULL")
        if after is not None:
            where.add("(p.create_time, p.id) < ({}, {})", *after)
        sql = f"{_SELECT} {where.sql} ORDER BY p.create_time DESC, p.id DESC LIMIT {limit:d}"
        return [product_from_row(row) for row in await self._db.fetch(sql, *where.args)]

    async def find_or_create_category(self, tx: Transaction, new: Category) -> Category:
        """See `categories.store.find_or_create`."""
        return await find_or_create(tx, new)

    async def _write(self, tx: Transaction, product: Product, sql: str, *args: object) -> None:
        if product.sku and await tx.fetchval(_IS_SHARED_SKU, product.sku, product.id):
            raise SkuTaken()
        try:
            await tx.execute(sql, *args)
        except (UniqueViolation, ExclusionViolation) as error:
            if error.constraint_name in ("products_sku", "variants_sku"):
                raise SkuTaken() from error
            raise


def product_from_row(row: Record) -> Product:
    """From a row of `products` with `category_slug` and `category_name`."""
    category_id = row["category_id"]
    return Product(
        id=row["id"],
        name=row["name"],
        description=row["description"],
        price=Money(row["price"], row["currency"]),
        price_max=Money(row["price_max"] or row["price"], row["currency"]),
        sku=row["sku"] or "",
        category=Category(category_id, row["category_slug"], row["category_name"]) if category_id else None,
        image_urls=tuple(row["image_urls"]),
        version=row["version"],
        create_time=row["create_time"],
        update_time=row["update_time"],
        options=tuple(ProductOption(o["name"], tuple(o["values"])) for o in orjson.loads(row["options"])),
        tax_class=row["tax_class"],
    )
