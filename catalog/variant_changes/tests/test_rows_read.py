"""How much of a product with 2,048 variants is read."""

import json
from typing import Any

from catalog.stock.store import PostgresStockStore
from catalog.variant_changes.tests.world import World, database_url, declared, postgres, real
from catalog.variants.store import PostgresVariantReader

__all__ = ["database_url", "postgres", "real"]


class ExplainingDatabase:
    """Runs statements and counts the rows that they read from tables."""

    def __init__(self, db: Any) -> None:
        self._db = db
        self.rows_read = 0

    async def fetch(self, sql: str, *args: Any) -> Any:
        [row] = await self._db.fetch(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}", *args)
        self._count(json.loads(row[0])[0]["Plan"])
        return await self._db.fetch(sql, *args)

    def _count(self, plan: dict[str, Any]) -> None:
        if "Relation Name" in plan:
            rows = plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)
            self.rows_read += round(rows * plan["Actual Loops"])
        for child in plan.get("Plans", ()):
            self._count(child)


async def test_a_page_and_the_availability_of_a_product_read_few_of_its_2048_variants(real: World) -> None:
    shirt = await real.product()
    sizes, colors = ([f"{name}{number}" for number in range(64)] for name in "sc")
    # The first one is sold out.
    variants = [declared(size, color, stock=int(color != "c0")) for size in sizes for color in colors[:32]]
    await real.declare(shirt, {"Size": sizes, "Color": colors[:32]}, *variants)
    await real.db.fetch("ANALYZE variants, stock, products")
    db: Any = ExplainingDatabase(real.db)

    async def pages() -> list[list[int]]:
        store, any_of_it = PostgresVariantReader(db), {shirt: (None, None, None)}
        first = (await store.page(any_of_it, None, 100))[shirt].items
        last = first[-1].variant
        second = (await store.page(any_of_it, (last.position, last.id), 100))[shirt].items
        return [[item.variant.position for item in page] for page in (first, second)]

    assert await pages() == [list(range(100)), list(range(100, 200))]
    # Of each page, its variants and their stock, one more to see whether there is a next page, and the product.
    assert db.rows_read <= 2 * (2 * 101 + 1)
    db.rows_read = 0
    assert await PostgresStockStore(db).sums([shirt], quantities=False) == {shirt: (None, True)}
    assert db.rows_read <= 4
