"""One key, one order: with processes of the service that race, and that are killed between the effect and the answer."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from souk.order.v1 import order_pb2
from souk.order.v1 import order_service_pb2 as pb

from kit.auth import Principal
from kit.db import Migrations
from kit.errors import Aborted, SoukError
from kit.rpc import Call, Server
from kit.testing import eventually
from kit.testing.contracts import acting_as
from kit.testing.fixtures import database_url, postgres
from kit.values import PRODUCT
from order.tests.processes import Keys, Replica, Wire
from order.tests.stubs import StockRpc

__all__ = ["database_url", "postgres"]

KEY = "a-key-of-the-clients-own"
REASON = "a reason of the client's own"
_IDLE_AFTER_WRITING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction' AND backend_xid IS NOT NULL AND query LIKE '%UPDATE orders%'
"""


class SlowStock(StockRpc):
    """A catalog that answers once it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def reserve_stock(self, request: Any, call: Call) -> Any:
        answer = await super().reserve_stock(request, call)
        await self.may_answer.wait()
        return answer


@dataclass
class Ground:
    """A database, a catalog, and as many processes of the service as a test starts."""

    folder: Path
    url: str
    keys: Keys
    stock: SlowStock
    server: Server
    caller: Principal
    books: asyncpg.Connection
    wires: list[Wire] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)

    async def replica(self, *, wire: Wire | None = None, pending_seconds: int = 600) -> Replica:
        parts = urlsplit(self.url)
        url = parts._replace(netloc=f"souk:souk@127.0.0.1:{wire.port}").geturl() if wire else self.url
        replica = Replica(
            self.folder,
            database_url=url,
            catalog_port=self.server.port,
            jwks_url=self.keys.url,
            pending_seconds=pending_seconds,
        )
        self.replicas.append(replica)
        return await replica.ready()

    async def wire(self, secret: str) -> Wire:
        """A way to PostgreSQL on which answers end once `secret` was sent."""
        port = urlsplit(self.url).port
        assert port
        wire = Wire(port, secret.encode())
        self.wires.append(wire)
        await wire.open()
        return wire

    async def place(self, replica: Replica, *, key: str = KEY, quantity: int = 2) -> order_pb2.Order:
        line = pb.PlaceOrderRequest.Line(product_id=PRODUCT.format(PRODUCT.derive("mug")), quantity=quantity)
        request = pb.PlaceOrderRequest(lines=[line], request_id=key, client_request_id=True)
        with acting_as(self.caller):
            return (await replica.channel.call("PlaceOrder", request, pb.PlaceOrderResponse)).order

    async def cancel(self, replica: Replica, order_id: str) -> order_pb2.Order:
        request = pb.CancelOrderRequest(order_id=order_id, reason=REASON)
        with acting_as(self.caller):
            return (await replica.channel.call("CancelOrder", request, pb.CancelOrderResponse)).order

    async def rows(self) -> tuple[int, int, int]:
        """How many orders, lines and events there are."""
        counts = [await self.books.fetchval(f"SELECT count(*) FROM {t}") for t in TABLES]
        return counts[0], counts[1], counts[2]


TABLES = ("orders", "order_lines", "outbox")


@pytest.fixture
async def ground(database_url: str, tmp_path: Path) -> AsyncIterator[Ground]:
    await Migrations("order").apply(database_url)
    keys, stock = Keys(tmp_path), SlowStock()
    await keys.open()
    server = Server([stock], host="127.0.0.1", port=0)
    await server.start()
    books = await asyncpg.connect(database_url)
    ground = Ground(tmp_path, database_url, keys, stock, server, keys.customer(), books)
    yield ground
    stock.may_answer.set()
    for replica in ground.replicas:
        await replica.close()
    for wire in ground.wires:
        await wire.close()
    await books.close()
    await server.stop(0)
    await keys.close()


async def test_fifty_calls_at_once_with_one_key_on_two_replicas_are_one_order(ground: Ground) -> None:
    replicas = await asyncio.gather(ground.replica(), ground.replica())

    answers = await asyncio.gather(*(ground.place(replicas[at % 2]) for at in range(50)))

    assert len(answers) == 50
    assert len({answer.id for answer in answers}) == 1
    assert {answer.status for answer in answers} == {order_pb2.ORDER_STATUS_PENDING}
    assert {asked.order_id for asked in ground.stock.asked} == {answers[0].id}
    assert await ground.rows() == (1, 1, 1)


async def test_calls_at_once_with_one_key_and_other_input_are_one_order_and_conflicts(ground: Ground) -> None:
    replicas = await asyncio.gather(ground.replica(), ground.replica())

    answers = await asyncio.gather(
        *(ground.place(replicas[at % 2], quantity=1 + at % 3) for at in range(30)), return_exceptions=True
    )

    orders = [answer for answer in answers if isinstance(answer, order_pb2.Order)]
    refusals = [answer.reason for answer in answers if isinstance(answer, SoukError)]
    assert len({order.id for order in orders}) == 1
    assert (len(orders), refusals) == (10, ["IDEMPOTENCY_CONFLICT"] * 20)
    assert await ground.rows() == (1, 1, 1)


async def test_a_crash_after_the_commit_and_before_the_answer_leaves_one_order(ground: Ground) -> None:
    dying = await ground.replica(wire=await ground.wire(KEY))
    asking = asyncio.create_task(ground.place(dying))
    await eventually(_one_order(ground), seconds=30)
    assert not asking.done(), "the answer must not have left"

    await dying.kill()

    stored = await ground.books.fetchval("SELECT id FROM orders")
    with pytest.raises(SoukError):
        await asking
    living = await ground.replica()
    again = await asyncio.gather(*(ground.place(living) for _ in range(5)))
    with pytest.raises(Aborted) as conflict:
        await ground.place(living, quantity=3)
    assert conflict.value.reason == "IDEMPOTENCY_CONFLICT"
    assert {answer.id for answer in again} == {asked.order_id for asked in ground.stock.asked}
    assert again[0].lines[0].quantity == 2
    assert await ground.rows() == (1, 1, 1)
    assert await ground.books.fetchval("SELECT id FROM orders") == stored


async def test_a_crash_between_the_reservation_and_the_order_is_repeated_on_the_same_reservation(
    ground: Ground,
) -> None:
    dying = await ground.replica()
    ground.stock.may_answer.clear()
    asking = asyncio.create_task(ground.place(dying))
    await eventually(lambda: ground.stock.asked, seconds=30)

    await dying.kill()

    with pytest.raises(SoukError):
        await asking
    assert await ground.rows() == (0, 0, 0)
    ground.stock.may_answer.set()
    order = await ground.place(await ground.replica())
    assert {asked.order_id for asked in ground.stock.asked} == {order.id}
    assert await ground.rows() == (1, 1, 1)


async def test_a_crash_after_a_cancellation_and_before_its_answer_cancels_once(ground: Ground) -> None:
    dying = await ground.replica(wire=await ground.wire("COMMIT"))
    order = await ground.place(dying)
    asking = asyncio.create_task(ground.cancel(dying, order.id))

    async def cancelled() -> bool:
        return bool(await ground.books.fetchval("SELECT status FROM orders") == "CANCELLED")

    await eventually(cancelled, seconds=30)
    assert not asking.done(), "the answer must not have left"
    await dying.kill()
    with pytest.raises(SoukError):
        await asking

    again = await ground.cancel(await ground.replica(), order.id)

    assert (again.status, again.version) == (order_pb2.ORDER_STATUS_CANCELLED, 2)
    assert await ground.rows() == (1, 1, 2)


async def test_a_crash_before_a_cancellation_is_committed_leaves_the_order_as_it_was(ground: Ground) -> None:
    dying = await ground.replica(wire=await ground.wire(REASON))
    order = await ground.place(dying)
    asking = asyncio.create_task(ground.cancel(dying, order.id))

    async def written() -> bool:
        """The row is written, and its transaction stays open: the service waits for the answer."""
        return bool(await ground.books.fetchval(_IDLE_AFTER_WRITING))

    await eventually(written, seconds=30)
    await dying.kill()
    with pytest.raises(SoukError):
        await asking
    assert await ground.rows() == (1, 1, 1)

    again = await ground.cancel(await ground.replica(), order.id)

    assert (again.status, again.version) == (order_pb2.ORDER_STATUS_CANCELLED, 2)
    assert await ground.rows() == (1, 1, 2)


async def test_an_unpaid_order_ends_at_its_deadline_though_its_process_died_and_kafka_is_away(
    ground: Ground,
) -> None:
    first = await ground.replica(pending_seconds=2)
    order = await ground.place(first)
    await first.kill()

    second = await ground.replica(pending_seconds=2)

    async def ended() -> bool:
        return (await ground.place(second)).status == order_pb2.ORDER_STATUS_CANCELLED

    await eventually(ended, seconds=30)
    now = await ground.place(second)
    assert (now.id, now.cancel_reason) == (order.id, order_pb2.CANCEL_REASON_PAYMENT_TIMEOUT)
    assert now.update_time.ToDatetime() - order.create_time.ToDatetime() >= timedelta(seconds=2)
    assert await ground.rows() == (1, 1, 2)


def _one_order(ground: Ground) -> Any:
    async def probe() -> bool:
        return await ground.rows() == (1, 1, 1)

    return probe
