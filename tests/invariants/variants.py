"""Invariants of variants."""

from collections import defaultdict
from uuid import UUID

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources

# The variants of each product that is not deleted. `own`: the variant with the product's UUID lives.
_PRODUCTS = """
SELECT p.id, p.price, p.price_max, p.sku, p.options = '[]' AS simple, count(v.id) AS variants, min(v.price) AS low, max(v.price) AS high,
    bool_or(v.id = p.id) AS own, min(v.sku) FILTER (WHERE v.id = p.id) AS own_sku,
    bool_or(cardinality(v.option_values) <> jsonb_array_length(p.options)) AS mismatched
FROM products p LEFT JOIN variants v ON v.product_id = p.id AND v.delete_time IS NULL
WHERE p.delete_time IS NULL GROUP BY p.id
"""
_OF_DELETED = """
SELECT v.id FROM variants v JOIN products p ON p.id = v.product_id WHERE p.delete_time IS NOT NULL AND v.delete_time IS NULL
"""
_SKUS = """
SELECT sku_identity(sku) AS sku, count(*) AS n FROM variants WHERE delete_time IS NULL AND sku IS NOT NULL AND NOT sku_shared
GROUP BY 1 HAVING count(*) > 1
"""
_PRICES = """
SELECT v.id, v.price, c.new_price FROM variants v
JOIN LATERAL (SELECT new_price FROM price_changes WHERE variant_id = v.id ORDER BY id DESC LIMIT 1) c ON c.new_price <> v.price
"""


_ORDERED = """
SELECT order_id, product_id, parent_product_id, quantity, unit_price FROM order_lines ORDER BY order_id, position
"""
_RESERVED = """
SELECT order_id, product_id, parent_product_id, quantity, unit_price FROM reservation_lines ORDER BY order_id, position
"""
_PARENTS = "SELECT id, product_id FROM variants"


async def variants(sources: DataSources) -> CheckResult:
    """Every product has a variant, and its price, price range and SKU are those of its variants."""
    rows = await sources.rows("catalog", _PRODUCTS)
    violations = []
    for row in rows:
        product = f"product {row['id']}"
        if not row["variants"]:
            violations.append(f"{product} has no variant")
        elif row["simple"] and (row["variants"] > 1 or not row["own"] or row["own_sku"] != row["sku"]):
            violations.append(f"{product} has no options, but {row['variants']} variants or another SKU")
        elif row["mismatched"]:
            violations.append(f"{product} has variants that do not name each of its options")
        elif (row["price"], row["price_max"]) != (row["low"], None if row["simple"] else row["high"]):
            violations.append(
                f"{product} costs {row['price']} to {row['price_max']}, its variants {row['low']} to {row['high']}"
            )
    violations += [
        f"variant {row['id']} of a deleted product is not deleted"
        for row in await sources.rows("catalog", _OF_DELETED)
    ]
    return check_result(
        "every product has a variant, and its price is the lowest of theirs", len(rows), violations
    )


async def skus(sources: DataSources) -> CheckResult:
    """No two living variants have the same SKU."""
    shared = await sources.rows("catalog", _SKUS)
    [count] = await sources.rows("catalog", "SELECT count(*) AS n FROM variants WHERE sku IS NOT NULL")
    return check_result(
        "no two variants have the same SKU",
        count["n"],
        (f"{row['n']} variants have the SKU {row['sku']}" for row in shared),
    )


async def prices(sources: DataSources) -> CheckResult:
    """The last recorded change of a price led to the current one."""
    rows = await sources.rows("catalog", _PRICES)
    [count] = await sources.rows("catalog", "SELECT count(*) AS n FROM price_changes")
    return check_result(
        "the last change of each price is its price",
        count["n"],
        (f"variant {row['id']} costs {row['price']}, last changed to {row['new_price']}" for row in rows),
    )


async def lines(sources: DataSources) -> CheckResult:
    """The lines of every order are those of its reservation, of variants of the products that they name."""
    ordered = await _lines(sources, "order", _ORDERED)
    reserved = await _lines(sources, "catalog", _RESERVED)
    parents = {row["id"]: row["product_id"] for row in await sources.rows("catalog", _PARENTS)}
    # The reservation of an old cancelled order may be pruned.
    violations = [
        f"order {order_id} has the lines {rows}, but reserved {reserved[order_id]}"
        for order_id, rows in ordered.items()
        if rows != reserved.get(order_id, rows)
    ]
    violations += [
        f"order {order_id} has a line of variant {variant}, which is not of product {product}"
        for order_id, rows in ordered.items()
        for variant, product, *_ in rows
        if parents.get(variant) != product
    ]
    return check_result("the lines of every order are those of its reservation", len(ordered), violations)


async def _lines(
    sources: DataSources, database: str, sql: str
) -> dict[UUID, list[tuple[UUID, UUID, int, int]]]:
    """Variant, product, quantity and price of each line by order; a line of an earlier release names the product alone."""
    by_order: dict[UUID, list[tuple[UUID, UUID, int, int]]] = defaultdict(list)
    for row in await sources.rows(database, sql):
        product = row["parent_product_id"] or row["product_id"]
        by_order[row["order_id"]].append((row["product_id"], product, row["quantity"], row["unit_price"]))
    return by_order
