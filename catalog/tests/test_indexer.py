"""Keeping the index like the table, with fakes: what is looked at, in which order, and what fails whole."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from souk.catalog.v1 import events_pb2 as pb

from catalog.consumers import index_subscription
from catalog.domain import Product
from catalog.indexer import Indexer
from catalog.tests.fakes import FakeCache, FakeProductStore, draft
from kit.errors import InvalidArgument
from kit.events import Event
from kit.search import SearchUnavailable
from kit.testing import FakeClock
from kit.values import PRODUCT

Row = tuple[Product, bool, bool]


@dataclass
class Table:
    """Rows as they are when they are read."""

    rows: dict[UUID, Row] = field(default_factory=dict)
    asked: list[list[UUID]] = field(default_factory=list)

    async def rows_for_index(self, ids: Sequence[UUID]) -> list[Row]:
        self.asked.append(list(ids))
        return [self.rows[product_id] for product_id in ids if product_id in self.rows]


@dataclass
class Index:
    """Keeps what was written, and what of it searches see."""

    written: list[Row] = field(default_factory=list)
    shown: list[Row] = field(default_factory=list)
    down: bool = False

    async def write(self, rows: Sequence[Row]) -> None:
        if self.down:
            raise SearchUnavailable()
        self.written += rows

    async def show(self) -> None:
        self.shown = list(self.written)


class World:
    """The indexer with everything around it."""

    def __init__(self) -> None:
        self.clock, self.table, self.index = FakeClock(), Table(), Index()
        self.cache = FakeCache(FakeProductStore())
        indexer = Indexer(self.table, self.index, self.cache, clock=self.clock)
        self.subscription = index_subscription(indexer)

    def product(self) -> UUID:
        made, _ = Product.create(draft(), None, self.clock.now)
        self.table.rows[made.id] = (made, True, True)
        return made.id

    async def hears(self, *ids: UUID) -> None:
        await self.subscription.on_batch([self.event(PRODUCT.format(product_id)) for product_id in ids])

    def event(self, key: str) -> Event[Any]:
        return Event(PRODUCT.new(), "ProductUpdated", key, self.clock.now, pb.ProductUpdated(), "", {})


@pytest.fixture
def world() -> World:
    return World()


async def test_what_changed_is_read_from_the_table_written_and_shown(world: World) -> None:
    mug, cup = world.product(), world.product()

    await world.hears(mug, cup)

    assert world.index.shown == [world.table.rows[mug], world.table.rows[cup]]


async def test_a_product_that_changed_often_is_looked_at_once(world: World) -> None:
    mug, cup = world.product(), world.product()

    await world.hears(mug, cup, mug, mug)

    assert world.table.asked == [[mug, cup]]


async def test_the_cache_forgets_what_changed(world: World) -> None:
    mug = world.product()

    await world.hears(mug)

    assert world.cache.forgotten == [mug]


async def test_a_product_that_the_table_does_not_know_is_passed_over(world: World) -> None:
    await world.hears(PRODUCT.new())

    assert world.index.shown == []


async def test_an_index_that_is_away_is_an_error_and_nothing_is_shown(world: World) -> None:
    mug = world.product()
    world.index.down = True

    with pytest.raises(SearchUnavailable):
        await world.hears(mug)
    assert world.index.shown == []
    world.index.down = False
    await world.hears(mug)

    assert world.index.shown == [world.table.rows[mug]]


async def test_what_is_keyed_by_no_product_is_refused(world: World) -> None:
    with pytest.raises(InvalidArgument):
        await world.subscription.on_batch([world.event("ord_7")])


def test_the_index_hears_every_fact_of_the_catalog(world: World) -> None:
    names = {message.DESCRIPTOR.name for message in world.subscription.types}

    assert names == set(pb.DESCRIPTOR.message_types_by_name)
