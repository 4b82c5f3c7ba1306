"""The whole service on a real PostgreSQL and Kafka, with stubs of the catalog and account and published events of payment."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from souk.catalog.v1 import stock_service_pb2 as catalog
from souk.order.v1 import order_pb2
from souk.order.v1 import order_service_pb2 as pb
from souk.payment.v1 import events_pb2 as payment

from kit.auth import Principal
from kit.errors import FailedPrecondition
from kit.events import Topic
from kit.rpc import Channel, Server
from kit.settings import load
from kit.testing import Kafka, eventually, free_port
from kit.testing.contracts import FakeAccountService, acting_as
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.principals import FakeTokenVerifier, admin, customer
from kit.testing.records import event_types, publish, wait_for_records
from kit.testing.running_service import running_service as running_service
from kit.values import PRODUCT
from order.app import build
from order.rpc import OrderServiceRpc
from order.settings import Settings
from order.tests.stubs import StockRpc

__all__ = ["database_url", "kafka", "postgres"]

PAYMENTS = Topic(
    "souk.payment.v1",
    {
        kind: lambda event: (event.payment.id, event)
        for kind in (payment.PaymentSucceeded, payment.PaymentFailed, payment.PaymentRefunded)
    },
)


@dataclass
class Running:
    """The running service, and a customer and an ADMIN of it."""

    channel: Channel
    caller: Principal
    admin: Principal
    bootstrap: str
    stock: StockRpc

    async def call(self, method: str, request: Any, response: Any, caller: Principal | None = None) -> Any:
        with acting_as(caller or self.caller):
            return await self.channel.call(method, request, response)

    async def place(self) -> str:
        lines = [pb.PlaceOrderRequest.Line(product_id=PRODUCT.format(PRODUCT.new()), quantity=2)]
        request = pb.PlaceOrderRequest(lines=lines, request_id=PRODUCT.new().hex)
        order_id: str = (await self.call("PlaceOrder", request, pb.PlaceOrderResponse)).order.id
        return order_id

    async def order(self, order_id: str) -> order_pb2.Order:
        request = pb.GetOrderRequest(order_id=order_id)
        order: order_pb2.Order = (await self.call("GetOrder", request, pb.GetOrderResponse)).order
        return order

    async def cancel(self, order_id: str) -> order_pb2.Order:
        request = pb.CancelOrderRequest(order_id=order_id, reason="changed my mind")
        order: order_pb2.Order = (await self.call("CancelOrder", request, pb.CancelOrderResponse)).order
        return order

    async def move(self, order_id: str, status: order_pb2.OrderStatus) -> order_pb2.Order:
        request = pb.UpdateOrderStatusRequest(order_id=order_id, status=status, internal_note="fragile")
        response = await self.call("UpdateOrderStatus", request, pb.UpdateOrderStatusResponse, self.admin)
        order: order_pb2.Order = response.order
        return order

    async def wait_for_status(self, order_id: str, status: int) -> order_pb2.Order:
        async def reached() -> order_pb2.Order | None:
            order = await self.order(order_id)
            return order if order.status == status else None

        stored = await eventually(reached, seconds=30)
        assert stored
        return stored

    async def publish(self, *events: Any, times: int = 1) -> None:
        """Publishes events as the payment service, each one `times` times."""
        await publish(self.bootstrap, PAYMENTS, events, times=times)

    async def published(self, topic: str, key: str, count: int) -> list[str]:
        """Waits for `count` records with a key; returns their event types."""
        return event_types(
            await wait_for_records(self.bootstrap, topic, count, lambda record: record.key == key.encode())
        )


@pytest.fixture
async def running(database_url: str, kafka: Kafka) -> AsyncIterator[Running]:
    rpc, tokens = StockRpc(), FakeTokenVerifier()
    # Stubs of catalog and account.
    stock = Server([rpc, FakeAccountService()], host="127.0.0.1", port=0)
    await stock.start()
    environment = {
        "PROFILE": "development",
        "HTTP_PORT": str(free_port()),
        "GRPC_PORT": str(free_port()),
        "DATABASE_URL": database_url,
        "CATALOG_ADDRESS": f"127.0.0.1:{stock.port}",
        "ACCOUNT_ADDRESS": f"127.0.0.1:{stock.port}",
        "KAFKA_BOOTSTRAP": kafka.bootstrap(),
        "PENDING_SECONDS": "6",
        "SWEEP_SECONDS": "0.1",
    }
    settings = load(Settings, environment)
    service = replace(build(settings), verifier=tokens)
    channel = Channel(f"127.0.0.1:{settings.grpc_port}", OrderServiceRpc.service)
    await channel.open()
    async with running_service(service, database_url, kafka):
        yield Running(channel, tokens.token(customer()), tokens.token(admin()), kafka.bootstrap(), rpc)
    await channel.close()
    await stock.stop(0)


async def test_a_repeated_payment_event_confirms_once(running: Running) -> None:
    order_id = await running.place()

    await running.publish(payment.PaymentSucceeded(payment={"id": "pay_1", "order_id": order_id}), times=2)

    order = await running.wait_for_status(order_id, order_pb2.ORDER_STATUS_CONFIRMED)
    assert order.version == 2
    assert await running.published("souk.order.v1", order_id, 2) == ["OrderPlaced", "OrderConfirmed"]


async def test_an_unpaid_order_is_cancelled_at_its_deadline(running: Running) -> None:
    order_id = await running.place()

    order = await running.wait_for_status(order_id, order_pb2.ORDER_STATUS_CANCELLED)

    assert order.cancel_reason == order_pb2.CANCEL_REASON_PAYMENT_TIMEOUT
    assert await running.published("souk.order.v1", order_id, 2) == ["OrderPlaced", "OrderCancelled"]


async def test_an_order_paid_after_its_reservation_expired_is_cancelled_once(running: Running) -> None:
    running.stock.commits_to = catalog.RESERVATION_STATE_RELEASED
    order_id = await running.place()

    await running.publish(payment.PaymentSucceeded(payment={"id": "pay_1", "order_id": order_id}), times=5)

    order = await running.wait_for_status(order_id, order_pb2.ORDER_STATUS_CANCELLED)
    assert order.cancel_reason == order_pb2.CANCEL_REASON_RESERVATION_EXPIRED
    assert await running.published("souk.order.v1", order_id, 2) == ["OrderPlaced", "OrderCancelled"]


async def test_an_event_for_an_unknown_order_is_dead_lettered_and_blocks_nothing(running: Running) -> None:
    order_id = await running.place()
    unknown = payment.PaymentFailed(payment={"id": "pay_1", "order_id": "ord_01h455vb4pex5vsknk084sn02q"})

    await running.publish(unknown, payment.PaymentFailed(payment={"id": "pay_1", "order_id": order_id}))

    order = await running.wait_for_status(order_id, order_pb2.ORDER_STATUS_CANCELLED)
    assert order.cancel_reason == order_pb2.CANCEL_REASON_PAYMENT_FAILED
    assert "PaymentFailed" in await running.published("souk.payment.v1.dlq.order", "pay_1", 1)


async def test_an_order_is_paid_shipped_and_delivered(running: Running) -> None:
    order_id = await running.place()
    await running.publish(payment.PaymentSucceeded(payment={"id": "pay_1", "order_id": order_id}))
    await running.wait_for_status(order_id, order_pb2.ORDER_STATUS_CONFIRMED)

    shipped = await running.move(order_id, order_pb2.ORDER_STATUS_SHIPPED)
    with pytest.raises(FailedPrecondition) as rejection:
        await running.cancel(order_id)
    delivered = await running.move(order_id, order_pb2.ORDER_STATUS_DELIVERED)

    assert rejection.value.details == {"status": "SHIPPED", "wanted": "CANCELLED"}
    assert (shipped.version, delivered.version) == (3, 4)
    assert [change.internal_note for change in delivered.history] == ["", "", "fragile", "fragile"]
    published = await running.published("souk.order.v1", order_id, 4)
    assert published == ["OrderPlaced", "OrderConfirmed", "OrderShipped", "OrderDelivered"]


async def test_a_cancelled_order_stays_cancelled_when_its_payment_arrives_later(running: Running) -> None:
    order_id = await running.place()
    total = {"currency_code": "USD", "units": 19, "nanos": 980_000_000}
    paid = {"id": "pay_1", "order_id": order_id, "amount": total}

    cancelled = await running.cancel(order_id)
    await running.publish(
        payment.PaymentSucceeded(payment=paid),
        payment.PaymentRefunded(payment={**paid, "refunded": total}, refund={"reason": "order cancelled"}),
        times=5,
    )

    async def refunded() -> bool:
        return (await running.order(order_id)).refunded.units == 19

    await eventually(refunded, seconds=30)
    order = await running.order(order_id)
    assert (order.status, order.status_reason) == (order_pb2.ORDER_STATUS_CANCELLED, "changed my mind")
    assert (cancelled.version, order.version) == (2, 3)
    published = await running.published("souk.order.v1", order_id, 3)
    assert published == ["OrderPlaced", "OrderCancelled", "OrderRefunded"]
