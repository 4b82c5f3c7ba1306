"""Products cached in a real Redis: which reads reach the table, and invalidation."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from catalog.categories.domain import Category
from catalog.products.cache import CachedProducts
from catalog.products.domain import Product
from catalog.products.tests.fakes import FakeProductStore, draft
from kit.cache import Cache
from kit.testing import FakeClock, Redis, free_port
from kit.testing.fixtures import redis
from kit.values import PRODUCT, Money

__all__ = ["redis"]


class Table(FakeProductStore):
    """Records the ids that are read."""

    def __init__(self) -> None:
        super().__init__()
        self.reads: list[UUID] = []

    async def get_many(self, ids: Sequence[UUID]) -> list[Product]:
        self.reads += ids
        return await super().get_many(ids)


class World:
    """A cache in front of a table."""

    def __init__(self, redis_url: str) -> None:
        self.table, self.redis = Table(), Cache(redis_url, uuid4().hex)
        self.cache = CachedProducts(self.redis, self.table, lifetime=timedelta(minutes=10))

    def product(self) -> Product:
        new = replace(
            draft(sku=uuid4().hex, price=Money(10, "KWD")), image_urls=("https://cdn.test/mug.png",)
        )
        product, _ = Product.create(new, Category.from_name("Küche"), FakeClock().now)
        self.table.products[product.id] = product
        return product


@pytest.fixture
async def world(redis: Redis) -> AsyncIterator[World]:
    world = World(redis.url())
    yield world
    await world.redis.close()


async def test_a_product_is_read_from_the_table_once_and_then_from_the_cache(world: World) -> None:
    mug = world.product()

    assert [await world.cache.get_many([mug.id]) for _ in range(3)] == [[mug]] * 3
    assert world.table.reads == [mug.id]


async def test_only_uncached_products_are_read_from_the_table(world: World) -> None:
    mug, cup = world.product(), world.product()
    await world.cache.get_many([mug.id])

    products = await world.cache.get_many([mug.id, cup.id, mug.id])

    assert sorted(product.id for product in products) == sorted([mug.id, cup.id])
    assert world.table.reads == [mug.id, cup.id]


async def test_the_absence_of_a_product_is_cached(world: World) -> None:
    unknown = PRODUCT.new()

    assert [await world.cache.get_many([unknown]) for _ in range(2)] == [[], []]
    assert world.table.reads == [unknown]


async def test_an_invalidated_product_is_read_again(world: World) -> None:
    mug = world.product()
    await world.cache.get_many([mug.id])
    cup = replace(mug, name="Cup", version=2)
    world.table.products[mug.id] = cup

    assert await world.cache.get_many([mug.id]) == [mug]
    await world.cache.invalidate(mug.id)
    assert await world.cache.get_many([mug.id]) == [cup]
    del world.table.products[mug.id]
    await world.cache.invalidate(mug.id)
    assert await world.cache.get_many([mug.id]) == []


async def test_without_redis_every_read_reaches_the_table() -> None:
    world = World(f"redis://127.0.0.1:{free_port()}")
    mug = world.product()

    assert [await world.cache.get_many([mug.id]) for _ in range(2)] == [[mug], [mug]]
    await world.cache.invalidate(mug.id)
    await world.redis.close()
