"""The reader of the variants table. That of a product without options is written by a trigger (migration 0009)."""

from collections.abc import Sequence
from typing import Final

import orjson

from catalog.options import OptionValue
from catalog.variants.domain import SellableVariant
from kit.db import Database, Record, transpose
from kit.values import Money, SoldId

# What a row `v` of `variants` is of each option of its product, a row `p`: [["Size", "M"]]. NULL without options, which then costs nothing.
OPTIONS_OF_VARIANT: Final = """CASE WHEN v.option_values <> '{}' THEN (
    SELECT jsonb_agg(jsonb_build_array(o.option -> 'name', v.option_values[o.place::integer]) ORDER BY o.place)
    FROM jsonb_array_elements(p.options) WITH ORDINALITY AS o(option, place)
) END"""
_PRICE: Final = f"""
SELECT r.place, p.id AS product_id, p.name, p.currency, p.tax_class, v.id AS variant_id, v.price, v.sku, v.weight_grams,
    v.requires_shipping, v.max_per_order, s.free, {OPTIONS_OF_VARIANT} AS options, r.by_product AND p.options <> '[]' AS variant_required
FROM unnest($1::uuid[], $2::boolean[]) WITH ORDINALITY AS r(id, by_product, place)
LEFT JOIN variants v ON v.id = r.id AND v.delete_time IS NULL
JOIN products p ON p.id = coalesce(v.product_id, r.id) AND p.delete_time IS NULL
LEFT JOIN stock s ON s.product_id = v.id
WHERE v.id IS NOT NULL OR r.by_product AND p.options <> '[]'
"""  # noqa: S608 - only constants are interpolated


class PostgresVariantStore:
    """`ports.VariantStore` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def price(self, ids: Sequence[SoldId]) -> list[SellableVariant | None]:
        """One statement, which locks nothing."""
        rows = await self._db.fetch(_PRICE, *transpose(((i.variant_id, i.by_product) for i in ids), 2))
        by_place = {row["place"]: _sellable(row) for row in rows}
        return [by_place.get(place) for place, _ in enumerate(ids, 1)]


def options_from_json(text: str | None) -> tuple[OptionValue, ...]:
    """The inverse of `OPTIONS_OF_VARIANT`."""
    return tuple(OptionValue(name, value) for name, value in orjson.loads(text)) if text else ()


def _sellable(row: Record) -> SellableVariant:
    if row["variant_required"]:
        return SellableVariant(
            row["product_id"], None, row["name"], "", (), None, row["tax_class"], 0, False, None, None
        )
    return SellableVariant(
        product_id=row["product_id"],
        variant_id=row["variant_id"],
        name=row["name"],
        sku=row["sku"] or "",
        options=options_from_json(row["options"]),
        unit_price=Money(row["price"], row["currency"]),
        tax_class=row["tax_class"],
        weight_grams=row["weight_grams"],
        requires_shipping=row["requires_shipping"],
        max_per_order=row["max_per_order"],
        free=row["free"],
    )
