"""Writes the variants table. A trigger writes price, SKU and deletion of the variant of a product without options (migration 0009)."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from catalog.identities import option_identity
from catalog.products.domain import Product
from catalog.products.errors import SkuTaken
from catalog.products.store import PostgresProductStore
from catalog.variants.domain import Variant
from catalog.variants.errors import VariantNotFound
from catalog.variants.store import VARIANT_COLUMNS, PostgresVariantReader, variant_from_row
from kit.db import Database, ExclusionViolation, Transaction, transpose

# The separator of option values in one text: names and values have no control characters.
_SEPARATOR: Final = "\x1f"
# The rules, in order:
#  1. The variants $13 are deleted.
#  2. A declared one is new, or changes where it differs; a deleted one comes back. A SKU that was shared stays so while it is the same.
# Constraints are checked at the end of the statement, in which variants may exchange options and SKUs.
_WRITE: Final = """
WITH declared AS MATERIALIZED (
    SELECT * FROM unnest(
        $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[], $10::integer[], $11::boolean[],
        $12::integer[]
    ) AS d(id, position, option_values, option_key, sku, price, compare_at, weight_grams, requires_shipping, max_per_order)
), deleted AS (
    UPDATE variants v SET delete_time = $2 FROM unnest($13::uuid[]) AS d(id) WHERE v.id = d.id
)
INSERT INTO variants AS v
    (id, product_id, position, option_values, option_key, sku, price, compare_at, weight_grams, requires_shipping, max_per_order)
SELECT id, $1, position, string_to_array(option_values, E'\\x1f'), option_key, sku, price, compare_at, weight_grams, requires_shipping,
    max_per_order
FROM declared
ON CONFLICT (id) DO UPDATE SET position = EXCLUDED.position, option_values = EXCLUDED.option_values, option_key = EXCLUDED.option_key,
    sku = EXCLUDED.sku, sku_shared = v.sku_shared AND v.sku IS NOT DISTINCT FROM EXCLUDED.sku, price = EXCLUDED.price,
    compare_at = EXCLUDED.compare_at, weight_grams = EXCLUDED.weight_grams, requires_shipping = EXCLUDED.requires_shipping,
    max_per_order = EXCLUDED.max_per_order, delete_time = NULL
WHERE (v.position, v.option_values, v.option_key, v.sku, v.price, v.compare_at, v.weight_grams, v.requires_shipping, v.max_per_order,
       v.delete_time)
    IS DISTINCT FROM (EXCLUDED.position, EXCLUDED.option_values, EXCLUDED.option_key, EXCLUDED.sku, EXCLUDED.price, EXCLUDED.compare_at,
       EXCLUDED.weight_grams, EXCLUDED.requires_shipping, EXCLUDED.max_per_order, NULL::timestamptz)
"""
# SKUs whose identity was already shared when it became unique are not in the constraint (migration 0004).
_SHARED_SKUS: Final = """
SELECT true FROM variants v JOIN unnest($1::text[]) AS s(sku) ON sku_identity(v.sku) = sku_identity(s.sku)
WHERE v.delete_time IS NULL AND v.sku_shared AND v.product_id <> $2 LIMIT 1
"""
_OF_PRODUCT: Final = f"""
SELECT {VARIANT_COLUMNS} FROM variants v WHERE v.product_id = $1 AND v.delete_time IS NULL
"""  # noqa: S608 - only constants are interpolated


class PostgresVariantStore(PostgresVariantReader):
    """`ports.VariantStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        super().__init__(db)
        self._products = PostgresProductStore(db)

    async def lock_product(self, tx: Transaction, product_id: UUID) -> Product:
        """Locks a product's row until the transaction ends; raises ProductNotFound."""
        return await self._products.lock(tx, product_id)

    async def lock_product_of(self, tx: Transaction, variant_id: UUID) -> Product:
        """Raises VariantNotFound."""
        product = await self._products.lock_of_variant(tx, variant_id)
        if product is None:
            raise VariantNotFound()
        return product

    async def of_product(self, tx: Transaction, product: Product) -> list[Variant]:
        """All variants of a locked product; the names of their options are the product's."""
        names, currency = [option.name for option in product.options], product.price.currency
        return [variant_from_row(row, currency, names) for row in await tx.fetch(_OF_PRODUCT, product.id)]

    async def write(
        self, tx: Transaction, product: Product, variants: Sequence[Variant], deleted: Sequence[UUID] = ()
    ) -> None:
        """One statement for the variants, and one for the product; raises SkuTaken."""
        skus = [variant.terms.sku for variant in variants if variant.terms.sku]
        if skus and await tx.fetchval(_SHARED_SKUS, skus, product.id):
            raise SkuTaken()
        columns = transpose(map(_row, variants), 10)
        try:
            await tx.execute(_WRITE, product.id, product.update_time, *columns, list(deleted))
        except ExclusionViolation as error:
            if error.constraint_name == "variants_sku":
                raise SkuTaken() from error
            raise
        # The variants first: the trigger derives the product's prices from them.
        await self._products.save(tx, product)


def _row(variant: Variant) -> tuple[object, ...]:
    terms = variant.terms
    values = [option.value for option in variant.options]
    return (
        variant.id,
        variant.position,
        _SEPARATOR.join(values),
        _SEPARATOR.join(map(option_identity, values)),
        terms.sku or None,
        terms.price.minor,
        terms.compare_at.minor if terms.compare_at else None,
        terms.weight_grams,
        terms.requires_shipping,
        terms.max_per_order,
    )
