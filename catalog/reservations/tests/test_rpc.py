"""The gRPC edge of stock, in this process: what the order service is answered. A test for each RPC."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from souk.catalog.v1 import stock_service_pb2 as pb

from catalog.products.domain import Product
from catalog.products.tests.fakes import FakeProductStore, draft
from catalog.reservations.rpc import ReservationRpc
from catalog.reservations.tests.fakes import FakeReservationStore
from catalog.reservations.use_cases import Reservations
from catalog.stock.tests.fakes import FakeStockStore
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
    """The order service, as a client of a running server."""

    channel: Channel
    products: FakeProductStore
    stock: FakeStockStore
    clock: FakeClock

    async def product(self, stock: int | None = 5, *, currency: str = "USD") -> str:
        tx: Any = None
        made, _ = Product.create(draft(price=Money(999, currency)), None, self.clock.now)
        await self.products.add(tx, made)
        if stock is not None:
            await self.stock.start_tracking(tx, made.id, stock, uuid4(), self.clock.now)
        return PRODUCT.format(made.id)

    async def free(self, product_id: str) -> int:
        return self.stock.free_stock[PRODUCT.parse(product_id)]

    async def reserve(
        self, *lines: tuple[str, int], order_id: str = "", seen: str = ""
    ) -> pb.ReserveStockResponse:
        wanted = [
            pb.ReserveStockRequest.Line(product_id=product_id, quantity=quantity)
            for product_id, quantity in lines
        ]
        request = pb.ReserveStockRequest(order_id=order_id or order(), lines=wanted, expected_total=seen)
        answer: pb.ReserveStockResponse = await self.channel.call(
            "ReserveStock", request, pb.ReserveStockResponse
        )
        return answer

    async def commit(self, order_id: str) -> int:
        request = pb.CommitStockRequest(order_id=order_id)
        answer: pb.CommitStockResponse = await self.channel.call(
            "CommitStock", request, pb.CommitStockResponse
        )
        return answer.state

    async def release(self, order_id: str) -> int:
        request = pb.ReleaseStockRequest(order_id=order_id)
        answer: pb.ReleaseStockResponse = await self.channel.call(
            "ReleaseStock", request, pb.ReleaseStockResponse
        )
        return answer.state

    async def refusal(self, *lines: tuple[str, int], **fields: str) -> list[Path]:
        with pytest.raises(InvalidArgument) as error:
            await self.reserve(*lines, **fields)
        return [fault.path for fault in error.value.fields]


def order() -> str:
    return ORDER.format(ORDER.new())


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    clock, products = FakeClock(), FakeProductStore()
    db: Any = FakeDatabase()
    stock = FakeStockStore()
    store = FakeReservationStore(products, stock)
    reservations = Reservations(db, store, lifetime=timedelta(minutes=15), clock=clock)
    server = Server([ReservationRpc(reservations)], host="127.0.0.1", port=0)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", ReservationRpc.service)
    await channel.open()
    yield Edge(channel, products, stock, clock)
    await channel.close()
    await server.stop(0)


async def test_reserve_stock_answers_priced_lines_in_the_order_wanted(edge: Edge) -> None:
    mug, pot = await edge.product(), await edge.product(None)

    held = await edge.reserve((pot, 1), (mug, 2), seen="29.97")

    assert [(line.product_id, line.quantity) for line in held.lines] == [(pot, 1), (mug, 2)]
    assert [line.unit_price for line in held.lines] == [money_to_proto(Money(999, "USD"))] * 2
    assert (held.state, held.lines[0].name) == (HELD, "Mug")
    assert timestamp_from_proto(held.expire_time) == edge.clock.now + timedelta(minutes=15)
    assert await edge.free(mug) == 3


async def test_reserve_stock_again_answers_the_same_and_other_lines_are_refused(edge: Edge) -> None:
    mug, order_id = await edge.product(), order()
    held = await edge.reserve((mug, 2), order_id=order_id)

    assert await edge.reserve((mug, 2), order_id=order_id) == held
    with pytest.raises(Aborted) as refusal:
        await edge.reserve((mug, 1), order_id=order_id)
    assert refusal.value.reason == "IDEMPOTENCY_CONFLICT"
    assert await edge.free(mug) == 3


async def test_reserve_stock_of_an_ended_order_takes_nothing_and_says_so(edge: Edge) -> None:
    mug, order_id = await edge.product(), order()
    await edge.release(order_id)

    late = await edge.reserve((mug, 2), order_id=order_id)

    assert (late.state, list(late.lines)) == (RELEASED, [])
    assert await edge.free(mug) == 5


async def test_reserve_stock_names_the_product_that_is_not_there(edge: Edge) -> None:
    with pytest.raises(NotFound) as refusal:
        await edge.reserve((await edge.product(), 1), (PRODUCT.format(PRODUCT.new()), 1))
    assert refusal.value.reason == "PRODUCT_NOT_FOUND"
    assert [fault.path for fault in refusal.value.fields] == [("products", 1, "id")]


async def test_reserve_stock_tells_what_is_short(edge: Edge) -> None:
    mug = await edge.product(3)

    with pytest.raises(FailedPrecondition) as refusal:
        await edge.reserve((mug, 5))
    assert refusal.value.reason == "OUT_OF_STOCK"
    assert refusal.value.details["lines"] == [{"product_id": mug, "requested": 5, "available": 3}]


async def test_reserve_stock_tells_the_total_that_the_buyer_did_not_see(edge: Edge) -> None:
    mug = await edge.product()

    with pytest.raises(FailedPrecondition) as refusal:
        await edge.reserve((mug, 2), seen="19.99")
    assert (refusal.value.reason, refusal.value.details["total"]) == ("PRICE_CHANGED", "19.98")


async def test_reserve_stock_refuses_several_currencies_and_totals_out_of_range(edge: Edge) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        await edge.reserve((await edge.product(), 1), (await edge.product(currency="EUR"), 1))
    assert refusal.value.reason == "MIXED_CURRENCY"
    with pytest.raises(InvalidArgument) as refusal:
        await edge.reserve((await edge.product(None), 1_000_000))
    assert refusal.value.reason == "TOTAL_OUT_OF_RANGE"


async def test_reserve_stock_refuses_what_makes_no_sense(edge: Edge) -> None:
    mug = await edge.product()

    assert await edge.refusal() == [("products",)]
    assert await edge.refusal((mug, 0), (mug, 1)) == [("products", 0, "quantity"), ("products", 1, "id")]
    assert await edge.refusal((mug, 1), ("7", 1)) == [("products", 1, "id")]
    assert await edge.refusal((mug, 1), order_id="7") == [("order_id",)]
    for seen in ("a lot", "NaN", "Infinity", "1,5", "-"):
        assert await edge.refusal((mug, 1), seen=seen) == [("expectedTotal",)]


async def test_commit_stock_answers_where_the_reservation_stands(edge: Edge) -> None:
    mug, sold, released = await edge.product(), order(), order()
    for order_id in (sold, released):
        await edge.reserve((mug, 1), order_id=order_id)
    await edge.release(released)

    assert [await edge.commit(sold), await edge.commit(sold)] == [COMMITTED] * 2
    assert await edge.commit(released) == RELEASED
    assert await edge.commit(order()) == pb.RESERVATION_STATE_UNSPECIFIED


async def test_release_stock_gives_back_once_what_is_held_or_sold(edge: Edge) -> None:
    mug, held, sold = await edge.product(), order(), order()
    for order_id in (held, sold):
        await edge.reserve((mug, 2), order_id=order_id)
    await edge.commit(sold)

    assert [await edge.release(held), await edge.release(held)] == [RELEASED] * 2
    assert [await edge.release(sold), await edge.release(sold)] == [RETURNED] * 2
    assert await edge.free(mug) == 5


@pytest.mark.parametrize("order_id", ["", "7", PRODUCT.format(PRODUCT.new())])
async def test_what_is_no_order_id_is_refused(edge: Edge, order_id: str) -> None:
    for answer in (edge.commit(order_id), edge.release(order_id)):
        with pytest.raises(InvalidArgument) as refusal:
            await answer
        assert [fault.path for fault in refusal.value.fields] == [("order_id",)]
