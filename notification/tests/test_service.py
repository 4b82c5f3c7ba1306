"""The whole service with PostgreSQL, Kafka and a mail server: an event goes in, a mail comes out."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from email.message import EmailMessage
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from souk.account.v1 import events_pb2 as account
from souk.notification.v1 import notification_pb2
from souk.notification.v1 import notification_service_pb2 as pb
from souk.order.v1 import events_pb2 as order
from souk.payment.v1 import events_pb2 as payment

from kit.auth import DEVELOPMENT_SEALING_KEY, Principal, Role, Sealer
from kit.events import Topic
from kit.rpc import Channel
from kit.settings import load
from kit.testing import Kafka, eventually, free_port
from kit.testing.contracts import acting_as
from kit.testing.fixtures import database_url, kafka, postgres
from kit.testing.principals import FakeTokenVerifier
from kit.testing.records import publish
from kit.testing.running_service import running_service
from kit.values import ACCOUNT, ORDER, PAYMENT, REFUND, Money, money_to_proto, timestamp_to_proto, utc_now
from notification.app import build
from notification.notifications.domain import Template
from notification.notifications.rpc import NotificationRpc
from notification.settings import Settings
from notification.smtp.tests.mail_server import FakeMailServer

__all__ = ["database_url", "kafka", "postgres"]


def _topic(name: str, *types: Any) -> Topic:
    # One key, so one partition: events are consumed in the order of publishing.
    return Topic(name, dict.fromkeys(types, lambda event: ("key", event)))


ACCOUNTS = _topic(
    "souk.account.v1",
    account.AccountRegistered,
    account.AccountUpdated,
    account.AccountDeleted,
    account.PasswordResetRequested,
    account.EmailVerificationRequested,
    account.OrderLinkRequested,
)
ORDERS = _topic(
    "souk.order.v1",
    order.OrderPlaced,
    order.OrderConfirmed,
    order.OrderCancelled,
    order.OrderShipped,
    order.OrderDelivered,
)
PAYMENTS = _topic("souk.payment.v1", payment.PaymentRefunded)


@dataclass
class Running:
    """The service, its topics and its mail server."""

    channel: Channel
    tokens: FakeTokenVerifier
    mail_server: FakeMailServer
    bootstrap: str

    async def history(self, account_id: UUID) -> Mapping[str, notification_pb2.Notification]:
        """An account's notifications from ListNotifications, by template."""
        caller = self.tokens.token(Principal(account_id, Role.USER, uuid4()))
        with acting_as(caller):
            response = await self.channel.call(
                "ListNotifications", pb.ListNotificationsRequest(), pb.ListNotificationsResponse
            )
        return {entry.notification.template: entry.notification for entry in response.entries}

    async def wait_until_sent(self, account_id: UUID, template: str) -> notification_pb2.Notification:
        """Waits until the history says SENT."""

        async def sent() -> notification_pb2.Notification | None:
            latest = (await self.history(account_id)).get(template)
            return latest if latest and latest.status == notification_pb2.NOTIFICATION_STATUS_SENT else None

        notification = await eventually(sent, seconds=30)
        assert notification
        return notification

    async def publish(
        self, topic: Topic, *events: Any, times: int = 1, shuffled: Random | None = None
    ) -> None:
        """Publishes events, each `times` times under the same id."""
        await publish(self.bootstrap, topic, events, times=times, shuffled=shuffled)

    def mails(self, address: str, subject: str) -> list[EmailMessage]:
        return [
            mail for mail in self.mail_server.mails if (mail["To"], mail["Subject"]) == (address, subject)
        ]


@pytest.fixture
async def running(database_url: str, kafka: Kafka) -> AsyncIterator[Running]:
    mail_server, tokens = FakeMailServer(free_port()), FakeTokenVerifier()
    environment = {
        "PROFILE": "development",
        "HTTP_PORT": str(free_port()),
        "GRPC_PORT": str(free_port()),
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP": kafka.bootstrap(),
        "SMTP_PORT": str(mail_server.port),
    }
    settings = load(Settings, environment)
    service = replace(build(settings), verifier=tokens)
    channel = Channel(f"127.0.0.1:{settings.grpc_port}", NotificationRpc.service)
    await channel.open()
    async with running_service(service, database_url, kafka):
        mail_server.open()
        yield Running(channel, tokens, mail_server, kafka.bootstrap())
    await channel.close()
    mail_server.close()


def registered(account_id: UUID, email: str) -> account.AccountRegistered:
    fields = {"id": ACCOUNT.format(account_id), "name": "John Doe", "email": email}
    return account.AccountRegistered(account={**fields, "update_time": timestamp_to_proto(utc_now())})


def confirmed(account_id: UUID) -> order.OrderConfirmed:
    price = money_to_proto(Money(1998, "USD"))
    return order.OrderConfirmed(
        order={
            "id": ORDER.format(ORDER.new()),
            "account_id": ACCOUNT.format(account_id),
            "lines": [{"name": "Mug", "quantity": 1, "unit_price": price}],
            "total": price,
        }
    )


async def test_a_confirmed_order_is_mailed_once_however_often_its_event_is_delivered(
    running: Running,
) -> None:
    account_id = uuid4()
    event = confirmed(account_id)
    await running.publish(ACCOUNTS, registered(account_id, "john@souk.test"))
    await running.publish(ORDERS, event, times=3)

    sent = await running.wait_until_sent(account_id, "order_confirmed")
    [mail] = running.mails("john@souk.test", "Your order is confirmed")
    assert mail["Message-ID"] == f"<{sent.id}@souk.test>"
    text = mail.get_body(("plain",))
    assert text
    assert event.order.id in text.get_content()


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_event_delivered_five_times_in_any_order_is_mailed_once(
    running: Running, seed: int
) -> None:
    account_id, random = uuid4(), Random(seed)
    owner = ACCOUNT.format(account_id)
    placed = confirmed(account_id).order
    paid = {"id": PAYMENT.format(PAYMENT.new()), "order_id": placed.id, "account_id": owner}
    refund = {"id": REFUND.format(REFUND.new()), "amount": money_to_proto(Money(500, "USD"))}
    until, john = timestamp_to_proto(utc_now() + timedelta(hours=1)), registered(account_id, "john@souk.test")
    link: dict[str, Any] = {
        "account": john.account,
        "sealed_token": Sealer(DEVELOPMENT_SEALING_KEY).seal("x"),
        "token_expire_time": until,
    }
    events: list[tuple[Topic, list[Any]]] = [
        (
            ORDERS,
            [
                order.OrderPlaced(order=placed),
                order.OrderConfirmed(order=placed),
                order.OrderShipped(order=placed),
                order.OrderDelivered(order=placed),
                order.OrderCancelled(order=placed),
            ],
        ),
        (PAYMENTS, [payment.PaymentRefunded(payment=paid, refund=refund)]),
        (
            ACCOUNTS,
            [
                john,
                account.AccountUpdated(account=john.account),
                account.PasswordResetRequested(**link),
                account.EmailVerificationRequested(**link),
                account.OrderLinkRequested(**link),
            ],
        ),
    ]
    random.shuffle(events)
    for topic, published in events:
        await running.publish(topic, *published, times=5, shuffled=random)

    templates = set(Template)
    for template in templates:
        await running.wait_until_sent(account_id, template)
    # Once later events of every topic have been handled, the repetitions have been too.
    other = uuid4()
    await running.publish(ACCOUNTS, registered(other, "jane@souk.test"))
    await running.publish(ORDERS, confirmed(other))
    paid["account_id"], refund["id"] = ACCOUNT.format(other), REFUND.format(REFUND.new())
    await running.publish(PAYMENTS, payment.PaymentRefunded(payment=paid, refund=refund))
    for name in ("welcome", "order_confirmed", "refunded"):
        await running.wait_until_sent(other, name)

    mails = [mail for mail in running.mail_server.mails if mail["To"] == "john@souk.test"]
    assert len(mails) == len({mail["Message-ID"] for mail in mails}) == len(templates)


async def test_a_deleted_account_leaves_no_address_and_gets_no_more_mail(running: Running) -> None:
    account_id = uuid4()
    john = registered(account_id, "john@souk.test")
    await running.publish(ACCOUNTS, john)
    await running.wait_until_sent(account_id, "welcome")
    deleted = account.AccountDeleted(account_id=ACCOUNT.format(account_id))
    await running.publish(ACCOUNTS, deleted, john, times=5)

    async def is_erased() -> bool:
        return not (await running.history(account_id))["welcome"].recipient

    await eventually(is_erased, seconds=30)
    await running.publish(ORDERS, confirmed(account_id))

    async def failed() -> notification_pb2.Notification | None:
        latest = (await running.history(account_id)).get("order_confirmed")
        return latest if latest and latest.status == notification_pb2.NOTIFICATION_STATUS_FAILED else None

    last = await eventually(failed, seconds=30)
    assert last
    assert (last.recipient, last.failure) == ("", notification_pb2.NOTIFICATION_FAILURE_ACCOUNT_DELETED)
    assert [mail["Subject"] for mail in running.mail_server.mails] == ["Welcome to Souk"]


async def test_an_order_event_that_arrives_before_its_accounts_event_waits(running: Running) -> None:
    account_id = uuid4()
    await running.publish(ORDERS, confirmed(account_id))
    waiting = await eventually(lambda: running.history(account_id), seconds=30)
    assert waiting["order_confirmed"].attempts == 0

    await running.publish(ACCOUNTS, registered(account_id, "late@souk.test"))
    assert (await running.wait_until_sent(account_id, "order_confirmed")).recipient == "late@souk.test"


async def test_mails_wait_while_the_mail_server_is_down_and_the_history_shows_the_attempts(
    running: Running,
) -> None:
    running.mail_server.close()
    account_id = uuid4()
    await running.publish(ACCOUNTS, registered(account_id, "john@souk.test"))

    async def has_failed() -> bool:
        # An attempt is counted when it starts: with the second, the first has failed.
        welcome = (await running.history(account_id)).get("welcome")
        return welcome is not None and welcome.attempts > 1

    await eventually(has_failed, seconds=30)
    running.mail_server.open()
    assert (await running.wait_until_sent(account_id, "welcome")).attempts > 1
    assert len(running.mails("john@souk.test", "Welcome to Souk")) == 1
