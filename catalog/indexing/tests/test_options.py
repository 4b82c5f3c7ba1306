"""Options in the index: filters and facets equal the tables, and drift is repaired."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import product as combinations
from random import Random
from uuid import UUID

import pytest

from catalog.indexing.indexer import Indexer
from catalog.indexing.reindexing import Reindexer
from catalog.indexing.store import PostgresIndexSource
from catalog.options import ProductOption
from catalog.products.tests.fakes import FakeCache, FakeProductStore
from catalog.tests.indexed import Index, elasticsearch, index, redis
from catalog.variant_changes.tests.world import World, database_url, declared, postgres, real
from kit.values import PRODUCT

__all__ = ["database_url", "elasticsearch", "index", "postgres", "real", "redis"]

SIZES, COLORS = ("S", "M", "L"), ("red", "blue", "Green")


@dataclass
class Shop:
    """Products with options in the tables and in the index."""

    world: World
    index: Index
    indexer: Indexer
    reindexer: Reindexer

    async def names(self, **options: tuple[str, ...]) -> set[str]:
        """The names of the products that a search with these options returns."""
        chosen = tuple(ProductOption(name, values) for name, values in options.items())
        return set(await self.index.names(options=chosen, size=100))

    async def reindex(self, *ids: UUID) -> None:
        await self.indexer.reindex(dict.fromkeys(ids, self.world.clock.now))


@pytest.fixture
async def shop(real: World, index: Index) -> Shop:
    source, cache = PostgresIndexSource(real.db), FakeCache(FakeProductStore())
    indexer = Indexer(source, index.writer, cache, clock=real.clock)
    reindexer = Reindexer(source, index.writer, indexer, clock=real.clock, grace=timedelta(0))
    return Shop(real, index, indexer, reindexer)


async def test_a_filter_by_options_equals_the_filter_over_the_table(shop: Shop) -> None:
    random, ids = Random(7), []
    for number in range(30):
        product_id = await shop.world.product(name=f"Shirt {number}")
        chosen = random.sample(list(combinations(SIZES, COLORS)), random.randint(1, 9))
        variants = (declared(*values, stock=random.choice([None, 0, 3])) for values in chosen)
        await shop.world.declare(product_id, {"Size": SIZES, "Color": COLORS}, *variants)
        ids.append(product_id)
    await shop.reindex(*ids, await shop.world.product(name="Mug"))
    rows = await shop.world.db.fetch(
        "SELECT p.name, v.option_values FROM variants v JOIN products p ON p.id = v.product_id LEFT JOIN stock s ON s.product_id = v.id"
        " WHERE v.delete_time IS NULL AND coalesce(s.free > 0, true) AND p.options <> '[]'"
    )

    for sizes, colors in combinations(
        [(), ("S",), ("M", "L"), ("XL",)], [(), ("red",), ("red", "GREEN"), ("pink",)]
    ):
        options = {name: values for name, values in (("Size", sizes), ("color", colors)) if values}
        folded = {color.lower() for color in colors}
        expected = {
            row["name"]
            for row in rows
            if (not sizes or row["option_values"][0] in sizes)
            and (not colors or row["option_values"][1].lower() in folded)
        }
        assert await shop.names(**options) == (
            expected if options else expected | {"Mug"} | await shop.names()
        )

    facets = {facet.name: facet.values for facet in (await shop.index.search(facets=True)).facets}
    counts = {value.value: value.count for value in (*facets["option.Size"], *facets["option.Color"])}
    for place, values in enumerate((SIZES, COLORS)):
        for value in values:
            having = {row["name"] for row in rows if row["option_values"][place] == value}
            assert counts.get(value, 0) == len(having)


async def test_a_variant_that_sells_out_or_is_back_changes_filter_and_availability(shop: Shop) -> None:
    shirt = await shop.world.product(name="Shirt")
    await shop.world.declare(shirt, {"Size": SIZES}, declared("S", stock=1), declared("M", stock=1))
    small = (await shop.world.by_option(shirt))["S"].variant.id
    await shop.reindex(shirt)
    assert await shop.names(Size=("S",)) == {"Shirt"}

    await shop.world.adjust(small, -1)
    source = PostgresIndexSource(shop.world.db)
    assert await source.changed_since(shop.world.clock.now + timedelta(hours=1)) == [shirt]
    assert await shop.reindexer.repair(settled=timedelta(0)) == 1

    assert await shop.names(Size=("S",)) == set()
    assert await shop.names(Size=("S", "M")) == {"Shirt"}
    [row] = await source.rows([shirt])
    assert row.available
    await shop.world.adjust((await shop.world.by_option(shirt))["M"].variant.id, -1)
    await shop.reindexer.repair(settled=timedelta(0))
    assert await shop.index.names(available=True) == []


async def test_a_rebuilt_index_finds_variants_by_their_skus(shop: Shop) -> None:
    shirt = await shop.world.product(name="Shirt")
    await shop.world.declare(
        shirt, {"Size": SIZES}, declared("S", sku="SHIRT-S-77"), declared("M", sku="SHIRT-M-78")
    )
    assert await shop.reindexer.rebuild() == 1
    assert await shop.index.names("shirt-m-78") == ["Shirt"]
    assert await shop.reindexer.repair(settled=timedelta(0)) == 0


async def test_a_drifted_option_is_repaired(shop: Shop) -> None:
    shirt = await shop.world.product(name="Shirt")
    product = await shop.world.declare(shirt, {"Size": SIZES}, declared("S"))
    await shop.index.write(product)
    assert await shop.names(Size=("S",)) == set()

    assert await shop.reindexer.repair(settled=timedelta(0)) == 1

    assert await shop.names(Size=("S",)) == {"Shirt"}
    assert (await shop.index.writer.read([shirt]))[shirt][0].id == PRODUCT.parse(PRODUCT.format(shirt))
