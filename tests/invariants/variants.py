"""Invariants of variants."""

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
