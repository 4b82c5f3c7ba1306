"""The gRPC edge of reservations on a server in this process. A test for each RPC."""

from collections.abc import AsyncIterator
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
from kit.errors import Aborted, FailedPrecondition, InvalidArgument, NotFound
from kit.rpc import Channel, Server
from kit.testing import FakeClock
from kit.values import ORDER, PRODUCT, Money, money_to_proto, timestamp_from_proto

HELD, COMMITTED = pb.RESERVATION_STATE_HELD, pb.RESERVATION_STATE_COMMITTED
RELEASED, RETURNED = pb.RESERVATION_STATE_RELEASED, pb.RESERVATION_STATE_RETURNED
Path = tuple[str | int, ...]


@dataclass
class Edge:
    """A client of a running server, like the order service."""

    channel: Channel
    products: FakeProductStore
    stock: FakeStockStore
    clock: FakeClock

    async def product(self, stock: int | None = 5, *, currency: str = "USD") -> str:
        tx: Any = None
        product, _ = Product.create(draft(price=Money(999, currency)), None, self.clock.now)
        await self.products.add(tx, product)
        if stock is not None:
            await self.stock.start_tracking(tx, product.id, stock, uuid4(), self.clock.now)
        return PRODUCT.format(product.id)

    async def free(self, product_id: str) -> int:
        return self.stock.free_stock[PRODUCT.parse(product_id)]

    async def reserve(
        self, *lines: tuple[str, int], order_id: str = "", expected: str = ""
    ) -> pb.ReserveStockResponse:
        requested = [
            pb.ReserveStockRequest.Line(product_id=product_id, quantity=quantity)
            for product_id, quantity in lines
        ]
        request = pb.ReserveStockRequest(
            order_id=order_id or order(), lines=requested, expected_total=expected
        )
        response: pb.ReserveStockResponse = await self.channel.call(
            "ReserveStock", request, pb.ReserveStockResponse
        )
        return response

    async def commit(self, order_id: str) -> int:
        request = pb.CommitStockRequest(order_id=order_id)
        response: pb.CommitStockResponse = await self.channel.call(
            "CommitStock", request, pb.CommitStockResponse
        )
        return response.state

    async def release(self, order_id: str) -> int:
        request = pb.ReleaseStockRequest(order_id=order_id)
        response: pb.ReleaseStockResponse = await self.channel.call(
            "ReleaseStock", request, pb.ReleaseStockResponse
        )
        return response.state

    async def violations(self, *lines: tuple[str, int], **fields: str) -> list[Path]:
        with pytest.raises(InvalidArgument) as error:
            await self.reserve(*lines, **fields)
        return [violation.path for violation in error.value.fields]


def order() -> str:
    return ORDER.format(ORDER.new())


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    clock, products = FakeClock(), FakeProductStore()
    db: Any = FakeDatabase()
    stock = FakeStockStore()
    store = FakeReservationStore(products, stock)
    reservations = Reservations(db, store, lifetime=timedelta(minutes=15), clock=clock)
    prices = VariantPricesRpc(Variants(FakeVariantStore(products, stock), FakeCache(products)))
    servicer = StockServiceRpc(ReservationRpc(reservations), prices)
    server = Server([servicer], host="127.0.0.1", port=0)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", StockServiceRpc.service)
    await channel.open()
    yield Edge(channel, products, stock, clock)
    await channel.close()
    await server.stop(0)


async def test_reserve_stock_returns_priced_lines_in_the_requests_order(edge: Edge) -> None:
    mug, pot = await edge.product(), await edge.product(None)

    held = await edge.reserve((pot, 1), (mug, 2), expected="29.97")

    assert [(line.product_id, line.quantity) for line in held.lines] == [(pot, 1), (mug, 2)]
    assert [line.unit_price for line in held.lines] == [money_to_proto(Money(999, "USD"))] * 2
    assert (held.state, held.lines[0].name) == (HELD, "Mug")
    assert timestamp_from_proto(held.expire_time) == edge.clock.now + timedelta(minutes=15)
    assert await edge.free(mug) == 3


async def test_reserve_stock_returns_the_existing_reservation_and_rejects_other_lines(edge: Edge) -> None:
    mug, order_id = await edge.product(), order()
    held = await edge.reserve((mug, 2), order_id=order_id)

    again = await edge.reserve((mug, 2), order_id=order_id)
    assert (held.created, again.created) == (True, False)
    again.created = True
    assert again == held
    with pytest.raises(Aborted) as error:
        await edge.reserve((mug, 1), order_id=order_id)
    assert error.value.reason == "IDEMPOTENCY_CONFLICT"
    assert await edge.free(mug) == 3


async def test_reserve_stock_of_a_released_order_takes_nothing(edge: Edge) -> None:
    mug, order_id = await edge.product(), order()
    await edge.release(order_id)

    late = await edge.reserve((mug, 2), order_id=order_id)

    assert (late.state, list(late.lines)) == (RELEASED, [])
    assert await edge.free(mug) == 5


async def test_reserve_stock_reports_the_missing_product(edge: Edge) -> None:
    with pytest.raises(NotFound) as error:
        await edge.reserve((await edge.product(), 1), (PRODUCT.format(PRODUCT.new()), 1))
    assert error.value.reason == "PRODUCT_NOT_FOUND"
    assert [violation.path for violation in error.value.fields] == [("products", 1, "id")]


async def test_reserve_stock_reports_the_shortage(edge: Edge) -> None:
    mug = await edge.product(3)

    with pytest.raises(FailedPrecondition) as error:
        await edge.reserve((mug, 5))
    assert error.value.reason == "OUT_OF_STOCK"
    assert error.value.details["lines"] == [{"product_id": mug, "requested": 5, "available": 3}]


async def test_reserve_stock_reports_a_changed_total(edge: Edge) -> None:
    mug = await edge.product()

    with pytest.raises(FailedPrecondition) as error:
        await edge.reserve((mug, 2), expected="19.99")
    assert (error.value.reason, error.value.details["total"]) == ("PRICE_CHANGED", "19.98")


async def test_reserve_stock_rejects_mixed_currencies_and_totals_out_of_range(edge: Edge) -> None:
    with pytest.raises(InvalidArgument) as error:
        await edge.reserve((await edge.product(), 1), (await edge.product(currency="EUR"), 1))
    assert error.value.reason == "MIXED_CURRENCY"
    with pytest.raises(InvalidArgument) as error:
        await edge.reserve((await edge.product(None), 1_000_000))
    assert error.value.reason == "TOTAL_OUT_OF_RANGE"


async def test_reserve_stock_rejects_invalid_requests(edge: Edge) -> None:
    mug = await edge.product()

    assert await edge.violations() == [("products",)]
    assert await edge.violations((mug, 0), (mug, 1)) == [("products", 0, "quantity"), ("products", 1, "id")]
    assert await edge.violations((mug, 1), ("7", 1)) == [("products", 1, "id")]
    assert await edge.violations((mug, 1), order_id="7") == [("order_id",)]
    for total in ("a lot", "NaN", "Infinity", "1,5", "-"):
        assert await edge.violations((mug, 1), expected=total) == [("expectedTotal",)]


async def test_commit_stock_returns_the_resulting_state(edge: Edge) -> None:
    mug, sold, released = await edge.product(), order(), order()
    for order_id in (sold, released):
        await edge.reserve((mug, 1), order_id=order_id)
    await edge.release(released)

    assert [await edge.commit(sold), await edge.commit(sold)] == [COMMITTED] * 2
    assert await edge.commit(released) == RELEASED
    assert await edge.commit(order()) == pb.RESERVATION_STATE_UNSPECIFIED


async def test_release_stock_returns_held_or_sold_stock_once(edge: Edge) -> None:
    mug, held, sold = await edge.product(), order(), order()
    for order_id in (held, sold):
        await edge.reserve((mug, 2), order_id=order_id)
    await edge.commit(sold)

    assert [await edge.release(held), await edge.release(held)] == [RELEASED] * 2
    assert [await edge.release(sold), await edge.release(sold)] == [RETURNED] * 2
    assert await edge.free(mug) == 5


@pytest.mark.parametrize("order_id", ["", "7", PRODUCT.format(PRODUCT.new())])
async def test_an_invalid_order_id_is_rejected(edge: Edge, order_id: str) -> None:
    for call in (edge.commit(order_id), edge.release(order_id)):
        with pytest.raises(InvalidArgument) as error:
            await call
        assert [violation.path for violation in error.value.fields] == [("order_id",)]
