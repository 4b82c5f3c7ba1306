"""What the indexer reads, writes and makes visible, with fakes."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import pytest
from souk.catalog.v1 import events_pb2 as pb

from catalog.indexing.consumers import index_subscription
from catalog.indexing.domain import IndexRow
from catalog.indexing.indexer import Indexer
from catalog.products.domain import Product
from catalog.products.tests.fakes import FakeCache, FakeProductStore, draft
from kit.errors import InvalidArgument
from kit.events import Event
from kit.search import SearchUnavailable
from kit.testing import FakeClock
from kit.values import PRODUCT


@dataclass
class Source:
    """The tables; records which ids were read."""

    table: dict[UUID, IndexRow] = field(default_factory=dict)
    reads: list[list[UUID]] = field(default_factory=list)

    async def rows(self, ids: Sequence[UUID]) -> list[IndexRow]:
        self.reads.append(list(ids))
        return [self.table[product_id] for product_id in ids if product_id in self.table]

    async def ids_after(self, after: UUID | None, limit: int) -> list[UUID]:
        raise NotImplementedError

    async def changed_since(self, time: datetime) -> list[UUID]:
        raise NotImplementedError

    def try_exclusive_lock(self) -> AbstractAsyncContextManager[bool]:
        raise NotImplementedError


@dataclass
class Index:
    """Records the rows that were written, and those that searches see."""

    written: list[IndexRow] = field(default_factory=list)
    visible: list[IndexRow] = field(default_factory=list)
    down: bool = False

    async def write(self, rows: Sequence[IndexRow], *, index: str | None = None) -> None:
        if self.down:
            raise SearchUnavailable()
        self.written += rows

    async def refresh(self) -> None:
        self.visible = list(self.written)


class World:
    """The indexer with everything around it."""

    def __init__(self) -> None:
        self.clock, self.source, self.index = FakeClock(), Source(), Index()
        self.cache = FakeCache(FakeProductStore())
        indexer = Indexer(self.source, self.index, self.cache, clock=self.clock)
        self.subscription = index_subscription(indexer)

    def product(self) -> UUID:
        made, _ = Product.create(draft(), None, self.clock.now)
        self.source.table[made.id] = IndexRow(made, True, True)
        return made.id

    async def consume(self, *ids: UUID) -> None:
        await self.subscription.on_batch([self.event(PRODUCT.format(product_id)) for product_id in ids])

    def event(self, key: str) -> Event[Any]:
        return Event(PRODUCT.new(), "ProductUpdated", key, self.clock.now, pb.ProductUpdated(), "", {})


@pytest.fixture
def world() -> World:
    return World()


async def test_changed_products_are_read_from_the_table_written_and_made_visible(world: World) -> None:
    mug, cup = world.product(), world.product()

    await world.consume(mug, cup)

    assert world.index.visible == [world.source.table[mug], world.source.table[cup]]


async def test_a_product_with_several_events_is_read_once(world: World) -> None:
    mug, cup = world.product(), world.product()

    await world.consume(mug, cup, mug, mug)

    assert world.source.reads == [[mug, cup]]


async def test_changed_products_are_invalidated_in_the_cache(world: World) -> None:
    mug = world.product()

    await world.consume(mug)

    assert world.cache.invalidated == [mug]


async def test_an_unknown_product_is_ignored(world: World) -> None:
    await world.consume(PRODUCT.new())

    assert world.index.visible == []


async def test_an_unavailable_index_is_an_error_and_nothing_becomes_visible(world: World) -> None:
    mug = world.product()
    world.index.down = True

    with pytest.raises(SearchUnavailable):
        await world.consume(mug)
    assert world.index.visible == []
    world.index.down = False
    await world.consume(mug)

    assert world.index.visible == [world.source.table[mug]]


async def test_an_event_without_a_product_id_as_key_is_rejected(world: World) -> None:
    with pytest.raises(InvalidArgument):
        await world.subscription.on_batch([world.event("ord_7")])


def test_the_indexer_subscribes_to_every_event_of_the_catalog(world: World) -> None:
    names = {message.DESCRIPTOR.name for message in world.subscription.types}

    assert names == set(pb.DESCRIPTOR.message_types_by_name)
