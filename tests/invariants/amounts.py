"""Invariants of what orders cost: lines, shipping, taxes and discounts add up to the total."""

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources

# Rows of earlier releases have no subtotal and no line totals: they cost their units.
_AMOUNTS = """
SELECT o.id, o.total, o.shipping_total, o.tax, l.total AS lines, coalesce(o.subtotal, l.total) - l.discount
    + o.shipping_total - CASE WHEN o.tax_included THEN 0 ELSE coalesce((o.shipping ->> 'tax')::bigint, 0) END
    + CASE WHEN o.tax_included THEN 0 ELSE o.tax END AS composed
FROM orders o JOIN LATERAL (
    SELECT sum(coalesce(total, unit_price * quantity))::bigint AS total, sum(discount)::bigint AS discount
    FROM order_lines WHERE order_id = o.id
) l ON true
"""
_POSITIONS = """
SELECT order_id, position, tax, discount FROM order_lines
UNION ALL
SELECT id, -1, coalesce((shipping ->> 'tax')::bigint, 0), coalesce((shipping ->> 'discount')::bigint, 0) FROM orders
"""
_PARTS = f"""
SELECT p.order_id, p.position, p.tax, p.discount, coalesce(t.amount, 0)::bigint AS taxes, coalesce(d.amount, 0)::bigint AS discounts
FROM ({_POSITIONS}) p
LEFT JOIN (SELECT order_id, position, sum(amount) AS amount FROM order_taxes GROUP BY 1, 2) t USING (order_id, position)
LEFT JOIN (SELECT order_id, position, sum(amount) AS amount FROM order_discounts GROUP BY 1, 2) d USING (order_id, position)
"""
_SUMS = f"""
SELECT o.id, o.tax, o.discount, sum(p.tax)::bigint AS taxes, sum(p.discount)::bigint AS discounts
FROM orders o JOIN ({_POSITIONS}) p ON p.order_id = o.id GROUP BY o.id
"""
_METHODS = "SELECT id FROM orders WHERE shipping_required AND shipping IS NULL"


async def amounts(sources: DataSources) -> CheckResult:
    """Lines and shipping add up to the total, and so do subtotal, discounts, shipping and taxes."""
    rows = await sources.rows("order", _AMOUNTS)
    return check_result(
        "lines and shipping add up to the total of every order",
        len(rows),
        (
            f"order {row['id']} of {row['total']}: lines {row['lines']}, shipping {row['shipping_total']}, "
            f"in all {row['composed']}"
            for row in rows
            if not row["total"] == row["lines"] + row["shipping_total"] == row["composed"]
        ),
    )


async def taxes(sources: DataSources) -> CheckResult:
    """The stored taxes of every line and of shipping are its tax, and together the tax of the order."""
    parts = await sources.rows("order", _PARTS)
    violations = [
        f"order {row['order_id']}, position {row['position']}: tax {row['tax']}, stored taxes {row['taxes']}"
        for row in parts
        if row["tax"] != row["taxes"]
    ]
    violations += [
        f"order {row['id']}: tax {row['tax']}, its lines and shipping {row['taxes']}"
        for row in await sources.rows("order", _SUMS)
        if row["tax"] != row["taxes"]
    ]
    return check_result("the taxes of every order add up", len(parts), violations)


async def discounts(sources: DataSources) -> CheckResult:
    """The stored discounts of every line and of shipping are its discount, and together the discount of the order."""
    parts = await sources.rows("order", _PARTS)
    violations = [
        f"order {row['order_id']}, position {row['position']}: {row['discount']}, stored {row['discounts']}"
        for row in parts
        if row["discount"] != row["discounts"]
    ]
    violations += [
        f"order {row['id']}: discount {row['discount']}, its lines and shipping {row['discounts']}"
        for row in await sources.rows("order", _SUMS)
        if row["discount"] != row["discounts"]
    ]
    return check_result("the discounts of every order add up", len(parts), violations)


async def methods(sources: DataSources) -> CheckResult:
    """Every order whose buyer had to choose a shipping method has one."""
    without = await sources.rows("order", _METHODS)
    [count] = await sources.rows("order", "SELECT count(*) AS n FROM orders WHERE shipping_required")
    return check_result(
        "every order that needs a shipping method has one",
        count["n"],
        (f"order {row['id']} has none" for row in without),
    )
