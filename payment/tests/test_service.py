"""The whole service on a real PostgreSQL and Kafka with the Stripe mock: an order event in, a payment event out, once."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from souk.account.v1 import events_pb2 as account
from souk.order.v1 import events_pb2 as order
from souk.order.v1 import order_pb2
from souk.payment.v1 import events_pb2

from dev.stripe_mock.errors import ApiError
from dev.stripe_mock.faults import Faults
from kit.events import Topic
from kit.settings import load
from kit.testing import Kafka, eventually, free_port
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.principals import FakeTokenVerifier
from kit.testing.records import event_types, publish, wait_for_records
from kit.testing.running_service import running_service as running_service
from kit.values import ACCOUNT, ORDER, Money, money_to_proto, timestamp_to_proto, utc_now
from payment.app import build
from payment.settings import Settings
from payment.tests.stripe_stub import SECRET, StripeMock, stripe_mock

__all__ = ["database_url", "kafka", "postgres"]

ORDERS = Topic(
    "souk.order.v1",
    {kind: lambda event: (event.order.id, event) for kind in (order.OrderPlaced, order.OrderCancelled)},
)

ACCOUNTS = Topic("souk.account.v1", {account.AccountDeleted: lambda event: (event.account_id, event)})


@dataclass
class Running:
    """The running service and the events around it."""

    mock: StripeMock
    bootstrap: str

    async def publish(self, *events: object, times: int = 1) -> None:
        """Publishes events as the order service, each one `times` times."""
        await publish(self.bootstrap, ORDERS, events, times=times)

    async def delete_account(self, account_id: str) -> None:
        """Publishes AccountDeleted as the account service, five times."""
        await publish(self.bootstrap, ACCOUNTS, [account.AccountDeleted(account_id=account_id)], times=5)

    async def published(self, count: int, *orders: order.OrderPlaced) -> list[str]:
        """Waits for `count` events of the service about orders; returns their types."""
        ids = {placed.order.id for placed in orders}

        def about(record: Any) -> bool:
            # The first field of every event is its payment.
            return events_pb2.PaymentSucceeded.FromString(record.value).payment.order_id in ids

        return event_types(await wait_for_records(self.bootstrap, "souk.payment.v1", count, about))

    def charges(self, placed: order.OrderPlaced) -> list[str]:
        """The statuses of an order's intents at the provider."""
        with self.mock.api.lock:
            intents = self.mock.provider.intents()
        return [intent["status"] for intent in intents if intent["metadata"]["order_id"] == placed.order.id]


def placed(method: str = "pm_card_visa") -> order.OrderPlaced:
    made = order_pb2.Order(
        id=ORDER.format(ORDER.new()),
        account_id=ACCOUNT.format(ACCOUNT.new()),
        total=money_to_proto(Money(10_000, "USD")),
    )
    until = timestamp_to_proto(utc_now() + timedelta(minutes=5))
    return order.OrderPlaced(order=made, payment_method=method, pay_before=until)


@pytest.fixture
async def running(database_url: str, kafka: Kafka, tmp_path: Path) -> AsyncIterator[Running]:
    port = free_port()
    with stripe_mock(tmp_path, webhook=f"http://127.0.0.1:{port}/webhooks/stripe") as mock:
        environment = {
            "PROFILE": "development",
            "HTTP_PORT": str(port),
            "GRPC_PORT": str(free_port()),
            "DATABASE_URL": database_url,
            "KAFKA_BOOTSTRAP": kafka.bootstrap(),
            "STRIPE_BASE_URL": mock.url,
            "STRIPE_WEBHOOK_SECRET": SECRET,
        }
        service = replace(build(load(Settings, environment)), verifier=FakeTokenVerifier())
        async with running_service(service, database_url, kafka):
            yield Running(mock, kafka.bootstrap())


async def test_orders_are_charged_once_and_their_outcome_is_published_once(running: Running) -> None:
    paid, declined, acting = (
        placed(),
        placed("pm_card_chargeDeclined"),
        placed("pm_card_authenticationRequired"),
    )

    await running.publish(paid, declined, acting, times=5)
    assert sorted(await running.published(2, paid, declined, acting)) == ["PaymentFailed", "PaymentSucceeded"]
    assert (running.charges(paid), running.charges(declined)) == (["succeeded"], ["canceled"])

    # The buyer authenticates; a signed webhook makes the payment due.
    await eventually(lambda: running.charges(acting) == ["requires_action"])
    with running.mock.api.lock:
        [intent] = [i for i in running.mock.provider.intents() if i["status"] == "requires_action"]
        running.mock.provider.authenticate(intent["id"], passes=True)
    assert sorted(await running.published(3, paid, declined, acting)) == [
        "PaymentFailed",
        "PaymentSucceeded",
        "PaymentSucceeded",
    ]

    # The order is cancelled in the end, and its capture is refunded once.
    await running.publish(order.OrderCancelled(order=paid.order), times=5)
    assert (await running.published(4, paid, declined, acting)).count("PaymentRefunded") == 1


async def test_a_page_pays_and_saves_its_card_until_the_account_is_deleted(running: Running) -> None:
    order_placed = placed("")
    order_placed.confirmation = order_pb2.PAYMENT_CONFIRMATION_CLIENT
    order_placed.save_method = True
    await running.publish(order_placed, times=5)
    assert await running.published(1, order_placed) == ["PaymentActionRequired"]
    provider = running.mock.provider
    with running.mock.api.lock:
        [intent] = [i for i in provider.intents() if i["metadata"]["order_id"] == order_placed.order.id]
        with pytest.raises(ApiError):
            provider.confirm_intent(intent["id"], {"payment_method": "pm_card_chargeDeclined"})
    assert await running.published(2, order_placed) == ["PaymentActionRequired"] * 2
    with running.mock.api.lock:
        provider.confirm_intent(intent["id"], {"payment_method": "pm_card_visa"})
    assert (await running.published(3, order_placed))[-1] == "PaymentSucceeded"

    def cards() -> int:
        with running.mock.api.lock:
            [customer] = provider.methods.customers()
            return 0 if customer.get("deleted") else len(provider.methods.of_customer(customer["id"]))

    await eventually(lambda: cards() == 1)
    await running.delete_account(order_placed.order.account_id)
    await eventually(lambda: cards() == 0)


async def test_orders_wait_while_the_provider_fails_and_then_get_their_outcome_once(
    running: Running,
) -> None:
    running.mock.api.faults = Faults(count=7, status=503)
    methods = ["pm_card_visa", "pm_usBankAccount", "pm_usBankAccount_noAccount", "pm_card_radarBlock"]
    orders = [placed(method) for method in methods]
    await running.publish(*orders)

    types = sorted(await running.published(4, *orders))
    assert types == ["PaymentFailed", "PaymentFailed", "PaymentSucceeded", "PaymentSucceeded"]
    assert running.mock.api.faults.count == 0
    assert [running.charges(placed) for placed in orders] == [
        ["succeeded"],
        ["succeeded"],
        ["canceled"],
        ["canceled"],
    ]
