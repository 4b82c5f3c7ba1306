"""The search index equals the catalog's database."""

from collections.abc import Mapping
from typing import Any

from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources

_PRODUCTS = """
SELECT p.id, p.version, p.name, p.description, p.price, p.currency, p.sku, c.slug AS category_slug, c.name AS category,
    coalesce(s.free > 0, true) AS available
FROM products p LEFT JOIN categories c ON c.id = p.category_id LEFT JOIN stock s ON s.product_id = p.id
WHERE p.delete_time IS NULL
"""
_FIELDS = ("name", "description", "price", "currency", "sku", "category_slug", "category", "available")


async def index(sources: DataSources) -> CheckResult:
    """Indexed fields = catalog table."""
    rows = await sources.rows("catalog", _PRODUCTS)
    return compare({str(row["id"]): dict(row) for row in rows}, await sources.documents())


def compare(
    table: Mapping[str, Mapping[str, Any]], documents: Mapping[str, Mapping[str, Any]]
) -> CheckResult:
    """Compares products by id."""
    violations = [
        f"{product_id} is indexed but not in the table" for product_id in documents.keys() - table.keys()
    ]
    for product_id, row in table.items():
        document = documents.get(product_id)
        if document is None:
            violations.append(f"{product_id} is not indexed")
            continue
        violations += [
            f"{product_id}: {name} is {document.get(name)!r} in the index, {row[name]!r} in the table"
            for name in _FIELDS
            if (document.get(name) or None) != (row[name] or None)
        ]
    return check_result("the search index equals the database", len(table), sorted(violations))
