"""The gRPC edge of PriceLines on a server in this process."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from souk.catalog.v1 import stock_service_pb2 as pb

from catalog.products.domain import Product
from catalog.products.tests.fakes import FakeCache, FakeProductStore, draft
from catalog.reservations.rpc import ReservationRpc
from catalog.reservations.tests.fakes import FakeReservationStore
from catalog.reservations.use_cases import Reservations
from catalog.rpc import StockServiceRpc
from catalog.stock.tests.fakes import FakeStockStore
from catalog.variants.rpc import VariantPricesRpc
from catalog.variants.tests.fakes import FakeVariantStore
from catalog.variants.use_cases import Variants
from kit.db.fake import FakeDatabase
from kit.errors import InvalidArgument
from kit.rpc import Channel, Server
from kit.testing import FakeClock
from kit.values import PRODUCT, VARIANT, Money, money_to_proto

Path = tuple[str | int, ...]


@dataclass
class Edge:
    """A client of a running server, like the order service."""

    channel: Channel
    products: FakeProductStore
    stock: FakeStockStore
    clock: FakeClock

    async def product(self, stock: int | None = 5) -> str:
        tx: Any = None
        product, _ = Product.create(draft(), None, self.clock.now)
        await self.products.add(tx, product)
        if stock is not None:
            await self.stock.start_tracking(tx, product.id, stock, uuid4(), self.clock.now)
        return PRODUCT.format(product.id)

    async def price(self, *ids: str) -> Sequence[pb.SellableVariant]:
        request = pb.PriceLinesRequest(ids=ids)
        response: pb.PriceLinesResponse = await self.channel.call(
            "PriceLines", request, pb.PriceLinesResponse
        )
        return response.variants


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    db: Any = FakeDatabase()
    clock, products, stock = FakeClock(), FakeProductStore(), FakeStockStore()
    store = FakeReservationStore(products, stock)
    reservations = Reservations(db, store, lifetime=timedelta(minutes=15), clock=clock)
    prices = VariantPricesRpc(Variants(FakeVariantStore(products, stock), FakeCache(products)))
    server = Server([StockServiceRpc(ReservationRpc(reservations), prices)], host="127.0.0.1", port=0)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", StockServiceRpc.service)
    await channel.open()
    yield Edge(channel, products, stock, clock)
    await channel.close()
    await server.stop(0)


async def test_price_lines_prices_products_and_variants_in_the_requests_order(edge: Edge) -> None:
    mug, pot, unknown = await edge.product(), await edge.product(None), PRODUCT.format(PRODUCT.new())
    pot_variant = VARIANT.format(PRODUCT.parse(pot))

    one, none, priced = await edge.price(pot_variant, unknown, mug)

    assert (one.requested_id, one.found, one.product_id, one.variant_id) == (
        pot_variant,
        True,
        pot,
        pot_variant,
    )
    assert (one.name, one.unit_price, one.tax_class) == (
        "Mug",
        money_to_proto(Money(999, "USD")),
        "standard",
    )
    assert one.requires_shipping
    assert not one.HasField("free")
    assert none == pb.SellableVariant(requested_id=unknown)
    assert (priced.requested_id, priced.free) == (mug, 5)


@pytest.mark.parametrize(
    ("ids", "path"),
    [([], ("ids",)), (["var_1"], ("ids", 0)), ([f"prod_{'0' * 26}"] * 2, ("ids",)), (["acc_1"], ("ids", 0))],
)
async def test_price_lines_takes_1_to_100_ids_of_products_and_variants(
    edge: Edge, ids: list[str], path: Path
) -> None:
    with pytest.raises(InvalidArgument) as error:
        await edge.price(*ids)
    assert [violation.path for violation in error.value.fields] == [path]
