"""The search index equals the catalog's database."""

from collections.abc import Mapping
from typing import Any

from catalog.options import OptionValue, combination_keys
from tests.invariants.result import CheckResult, check_result
from tests.invariants.sources import DataSources

_PRODUCTS = """
SELECT p.id, p.version, p.name, p.description, p.price, p.currency, p.sku, c.slug AS category_slug, c.name AS category,
    ARRAY(SELECT o ->> 'name' FROM jsonb_array_elements(p.options) o) AS option_names,
    array_agg(v.sku ORDER BY v.position) FILTER (WHERE v.sku IS NOT NULL) AS skus,
    bool_or(coalesce(s.free > 0, true)) AS available,
    array_agg(array_to_string(v.option_values, E'\\x1f')) FILTER (WHERE coalesce(s.free > 0, true)) AS in_stock
FROM products p LEFT JOIN categories c ON c.id = p.category_id
LEFT JOIN variants v ON v.product_id = p.id AND v.delete_time IS NULL LEFT JOIN stock s ON s.product_id = v.id
WHERE p.delete_time IS NULL GROUP BY p.id, c.id
"""
_SEPARATOR = "\x1f"
_FIELDS = (
    *("name", "description", "price", "currency", "sku", "category_slug", "category", "available"),
    "option_combinations",
)


async def index(sources: DataSources) -> CheckResult:
    """Indexed fields = catalog table."""
    rows = await sources.rows("catalog", _PRODUCTS)
    return compare({str(row["id"]): _fields(row) for row in rows}, await sources.documents())


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
            f"{product_id}: {name} is {document.get(name)!r} in the index, {row.get(name)!r} in the table"
            for name in _FIELDS
            if (document.get(name) or None) != (row.get(name) or None)
        ]
    return check_result("the search index equals the database", len(table), sorted(violations))


def _fields(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the document of a product has: with options, all SKUs and the combinations of its variants that can be bought."""
    if not row["option_names"]:
        return dict(row)
    keys = {
        key
        for values in row["in_stock"] or ()
        for key in combination_keys(list(map(OptionValue, row["option_names"], values.split(_SEPARATOR))))
    }
    return {**row, "sku": row["skus"], "option_combinations": sorted(keys)}
