"""Reads the variants table. Its writer is `variant_changes.store`, and for products without options a trigger (migration 0009)."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

import orjson

from catalog.options import OptionValue
from catalog.variants.domain import OptionPattern, SellableVariant, Terms, Variant, VariantWithStock
from kit.db import Database, Record, WhereClause, transpose
from kit.values import Money, Page, SoldId

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
VARIANT_COLUMNS: Final = (
    "v.id, v.product_id, v.position, v.option_values, v.price, v.sku, v.compare_at, v.weight_grams,"
    " v.requires_shipping, v.max_per_order"
)
_OPTION_NAMES: Final = """ARRAY(
    SELECT o.option ->> 'name' FROM jsonb_array_elements(p.options) WITH ORDINALITY AS o(option, place) ORDER BY o.place
) AS option_names"""
_MANY: Final = f"""
SELECT {VARIANT_COLUMNS}, p.currency, s.free, {_OPTION_NAMES}
FROM variants v JOIN products p ON p.id = v.product_id LEFT JOIN stock s ON s.product_id = v.id
WHERE v.id = ANY($1::uuid[]) AND v.delete_time IS NULL
"""  # noqa: S608 - only constants are interpolated
# $1 to $4 are set by `_matching`; a value of NULL is any.
_REQUESTED: Final = (
    "unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS w(product_id, first, second, third)"
)


class PostgresVariantReader:
    """`ports.VariantReader` on PostgreSQL."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def price(self, ids: Sequence[SoldId]) -> list[SellableVariant | None]:
        """One statement, which locks nothing."""
        rows = await self._db.fetch(_PRICE, *transpose(((i.variant_id, i.by_product) for i in ids), 2))
        by_place = {row["place"]: _sellable(row) for row in rows}
        return [by_place.get(place) for place, _ in enumerate(ids, 1)]

    async def get_many(self, ids: Sequence[UUID]) -> list[VariantWithStock]:
        """The variants among the ids, in no particular order."""
        return [_with_stock(row) for row in await self._db.fetch(_MANY, list(ids))]

    async def page(
        self, patterns: Mapping[UUID, OptionPattern], after: tuple[int, UUID] | None, limit: int
    ) -> dict[UUID, Page[VariantWithStock]]:
        """One statement for all products, which reads each page by the index of their order (keyset, variants_of_product)."""
        where = _matching(patterns)
        if after is not None:
            where.add("(v.position, v.id) > ({}, {})", *after)
        # LIMIT: looks up each variant's stock instead of joining the whole table.
        sql = f"""
            WITH requested AS MATERIALIZED (
                SELECT w.*, p.currency, {_OPTION_NAMES} FROM {_REQUESTED} JOIN products p ON p.id = w.product_id
            )
            SELECT v.*, w.currency, w.option_names, s.free
            FROM requested w
                CROSS JOIN LATERAL (
                    SELECT {VARIANT_COLUMNS} FROM variants v {where.sql} ORDER BY v.position, v.id LIMIT {limit + 1:d}
                ) v
                LEFT JOIN LATERAL (SELECT free FROM stock WHERE product_id = v.id LIMIT 1) s ON true
            ORDER BY v.product_id, v.position, v.id
        """  # noqa: S608 - texts are constants
        by_product: dict[UUID, list[VariantWithStock]] = {product_id: [] for product_id in patterns}
        for row in await self._db.fetch(sql, *where.args):
            by_product[row["product_id"]].append(_with_stock(row))
        return {product_id: Page.of(rows, limit) for product_id, rows in by_product.items()}

    async def count(self, patterns: Mapping[UUID, OptionPattern]) -> dict[UUID, int]:
        """The number of each product's variants."""
        where = _matching(patterns)
        sql = f"SELECT v.product_id, count(*) AS count FROM {_REQUESTED}, variants v {where.sql} GROUP BY v.product_id"  # noqa: S608 - texts are constants
        counts = {row["product_id"]: row["count"] for row in await self._db.fetch(sql, *where.args)}
        return {product_id: counts.get(product_id, 0) for product_id in patterns}


def options_from_json(text: str | None) -> tuple[OptionValue, ...]:
    """The inverse of `OPTIONS_OF_VARIANT`."""
    return tuple(OptionValue(name, value) for name, value in orjson.loads(text)) if text else ()


def _matching(patterns: Mapping[UUID, OptionPattern]) -> WhereClause:
    where = WhereClause()
    where.args = transpose(((product_id, *values) for product_id, values in patterns.items()), 4)
    where.add("v.product_id = w.product_id AND v.delete_time IS NULL")
    for place, name in enumerate(("first", "second", "third"), 1):
        if any(pattern[place - 1] is not None for pattern in patterns.values()):
            where.add(f"(w.{name} IS NULL OR split_part(v.option_key, E'\\x1f', {place:d}) = w.{name})")
    return where


def variant_from_row(row: Record, currency: str, option_names: Sequence[str]) -> Variant:
    """From a row with VARIANT_COLUMNS; the names are those of the product's options."""
    compare_at = row["compare_at"]
    terms = Terms(
        price=Money(row["price"], currency),
        sku=row["sku"] or "",
        compare_at=Money(compare_at, currency) if compare_at is not None else None,
        weight_grams=row["weight_grams"],
        requires_shipping=row["requires_shipping"],
        max_per_order=row["max_per_order"],
    )
    options = tuple(map(OptionValue, option_names, row["option_values"]))
    return Variant(row["id"], row["product_id"], row["position"], options, terms)


def _with_stock(row: Record) -> VariantWithStock:
    return VariantWithStock(variant_from_row(row, row["currency"], row["option_names"]), row["free"])


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
