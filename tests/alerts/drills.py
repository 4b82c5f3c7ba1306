"""One drill for each cause: it breaks something on a running stack, until the alerts that it should cause fire, and repairs it."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from tests.alerts.stack import Watched
from tests.alerts.traffic import Traffic
from tests.e2e.responses import within

Cause = Callable[[Watched, Traffic, Callable[[], Awaitable[None]]], Awaitable[None]]
# A lease ends within 20 seconds, so that no worker loses one.
_NEXT_ATTEMPTS: Final = "UPDATE refunds SET due_time = now() WHERE due_time > now() + interval '20 seconds'"


@dataclass(frozen=True)
class Drill:
    """`cause` breaks something, awaits its third argument (the alerts), and repairs it."""

    name: str
    alerts: tuple[str, ...]
    cause: Cause
    seconds: float = 120


async def _service_killed(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    async with stack.without("order"), traffic.repeated(traffic.read):
        await alerts()


async def _service_frozen(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    async with stack.frozen("order"), traffic.repeated(*[traffic.read] * 4):
        await alerts()


async def _database_killed(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    async with stack.without("postgresql"), traffic.repeated(traffic.read, traffic.search, traffic.order):
        await alerts()


async def _kafka_killed(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    async with stack.without("kafka"), traffic.repeated(traffic.order, pause=1):
        await alerts()


async def _index_down(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    """Many changes wait, all of one product: the first one blocks its partition, so no other is consumed."""
    async with stack.without("elasticsearch"):
        published = time.time()
        await stack.publish("souk.catalog.v1.ProductUpdated", b"", key=traffic.product, count=30_000)
        await stack.wait_until_firing(["ConsumerLagHigh"], 120)

        async def is_late() -> bool:
            return time.time() > published + 65

        await within(65, is_late, "changes that are later than the threshold, which is not shortened")
    # Their lags are known now that they are indexed.
    await stack.wait_until_firing(["SearchIndexLagHigh"], 180)


async def _unreadable_event(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    await stack.publish("souk.order.v1.OrderConfirmed", b"\xff", key="drill")
    await alerts()
    await stack.sql("notification", "DELETE FROM dead_letters")


async def _outbox_damaged(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    """A row that the relay cannot read, as a faulty release might write it."""
    columns = "event_id, topic, key, type, time, headers, payload"
    row = "gen_random_uuid(), 'souk.order.v1', 'drill', 'souk.order.v1.Drill', now(), '[]', ''"
    await stack.sql("order", f"INSERT INTO outbox ({columns}) VALUES ({row})")
    try:
        await alerts()
    finally:
        await stack.sql("order", "DELETE FROM outbox WHERE key = 'drill'")


async def _provider_down(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    async with stack.without("stripe"), traffic.repeated(traffic.order):
        await alerts()


async def _wrong_key(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    async with (
        stack.with_setting("payment", "STRIPE_API_KEY", "pk_test_wrong"),
        traffic.repeated(traffic.order),
    ):
        await alerts()


async def _refunds_fail(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    buyer = traffic.buyer
    refunded, cancelled = [
        await buyer.wait_for_status((await buyer.buy(traffic.product))["id"], "CONFIRMED", 60)
        for _ in range(2)
    ]
    await traffic.shop.inject_provider_fault(refunds="failed", count=1000)
    await traffic.admin.refund(refunded["payment"]["id"])
    await buyer.cancel(cancelled["id"])

    # Between two attempts lie minutes to hours.
    async def next_attempt() -> None:
        await stack.sql("payment", _NEXT_ATTEMPTS)

    try:
        async with traffic.repeated(next_attempt, pause=2):
            await alerts()
    finally:
        await traffic.shop.inject_provider_fault(refunds="succeeded", count=0)


async def _mail_server_down(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    async with stack.without("mail"), traffic.repeated(traffic.order, pause=2):
        await alerts()


async def _document_lost(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{stack.ports.elasticsearch}") as client:

        async def hits() -> list[Mapping[str, str]]:
            response = await client.get("/catalog-products/_search")
            # Until its first document is written the index is missing, and then its shard is not ready at once.
            assert response.is_success, response.text
            documents: list[Mapping[str, str]] = response.json()["hits"]["hits"]
            return documents

        document = (await within(30, hits, "a document in the search index"))[0]
        (await client.delete(f"/{document['_index']}/_doc/{document['_id']}")).raise_for_status()
    await alerts()


async def _redis_killed(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    async with stack.without("redis"), traffic.repeated(traffic.search, traffic.read):
        await alerts()


async def _guessed(stack: Watched, traffic: Traffic, alerts: Callable[[], Awaitable[None]]) -> None:
    async with traffic.repeated(*[traffic.guess] * 4):
        await alerts()


# The quick ones first; those that leave a share of failures behind come before those that read shares.
DRILLS: Final = (
    Drill("a document is lost from the search index", ("SearchIndexDrift",), _document_lost),
    Drill("an event cannot be read", ("DeadLettersPending",), _unreadable_event),
    Drill("a row of the outbox is damaged", ("BackgroundTaskFailing",), _outbox_damaged),
    Drill("passwords are guessed", ("LoginThrottlingHigh",), _guessed),
    Drill("refunds fail", ("ManualRefundRequired", "CancelledOrderNotRefunded"), _refunds_fail),
    Drill("the mail server is down", ("EmailDeliveryStalled",), _mail_server_down, 240),
    Drill(
        "the payment provider is down", ("PaymentProviderDown", "OrderPaymentTimeoutsHigh"), _provider_down
    ),
    Drill("the provider's key is wrong", ("PaymentProviderRejectingCalls",), _wrong_key),
    Drill("Redis is down", ("RedisDown",), _redis_killed),
    Drill("Kafka is down", ("OutboxRelayStalled",), _kafka_killed, 180),
    Drill("Elasticsearch is down", ("ConsumerLagHigh", "SearchIndexLagHigh"), _index_down, 180),
    Drill(
        "a service is killed",
        ("ServiceDown", "GatewayErrorRateHigh", "GatewayErrorBudgetBurnFast", "GatewayErrorBudgetBurnSlow"),
        _service_killed,
    ),
    Drill(
        "a service is frozen",
        ("GatewayLatencyHigh", "GatewayLatencyBudgetBurnFast", "GatewayLatencyBudgetBurnSlow"),
        _service_frozen,
    ),
    Drill("PostgreSQL is down", ("RpcErrorRateHigh",), _database_killed),
)
# The shortest, for `make test`.
QUICK: Final = ("an event cannot be read",)
