"""The gRPC client, in this process: access, responses and rejections of every RPC."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from souk.notification.v1 import notification_pb2
from souk.notification.v1 import notification_service_pb2 as pb

from kit.auth import Principal
from kit.errors import InvalidArgument, PermissionDenied, Unauthenticated
from kit.rpc import Channel, Server
from kit.testing import FakeClock
from kit.testing.contracts import acting_as
from kit.testing.principals import FakeTokenVerifier, admin, customer
from kit.values import ACCOUNT, ORDER
from notification.notifications.domain import Failure, Notification
from notification.notifications.rpc import NotificationRpc
from notification.notifications.tests.fakes import FakeNotificationStore, about_order
from notification.notifications.use_cases import Notifications
from notification.recipients.tests.fakes import FakeRecipientStore, john


@dataclass
class Client:
    """A client of a running server."""

    channel: Channel
    recipients: FakeRecipientStore
    store: FakeNotificationStore
    tokens: FakeTokenVerifier
    clock: FakeClock

    async def list(self, caller: Principal | None, **fields: Any) -> pb.ListNotificationsResponse:
        request = pb.ListNotificationsRequest(**fields)
        response: pb.ListNotificationsResponse = await self._call(
            caller, "ListNotifications", request, pb.ListNotificationsResponse
        )
        return response

    async def batch(
        self, caller: Principal | None, *order_ids: str
    ) -> Sequence[notification_pb2.Notification]:
        request = pb.BatchListNotificationsRequest(order_ids=order_ids)
        response = await self._call(
            caller, "BatchListNotifications", request, pb.BatchListNotificationsResponse
        )
        notifications: Sequence[notification_pb2.Notification] = response.notifications
        return notifications

    async def batch_by_account(
        self, caller: Principal | None, *accounts: str, **fields: Any
    ) -> pb.BatchListAccountNotificationsResponse:
        list_request = pb.ListNotificationsRequest(**fields)
        request = pb.BatchListAccountNotificationsRequest(account_ids=accounts, list=list_request)
        response: pb.BatchListAccountNotificationsResponse = await self._call(
            caller, "BatchListAccountNotifications", request, pb.BatchListAccountNotificationsResponse
        )
        return response

    async def add(
        self, account_id: UUID, count: int = 1, *, order_id: UUID | None = None
    ) -> Sequence[Notification]:
        notifications = [
            about_order(self.clock, account_id, order_id=order_id or uuid4()) for _ in range(count)
        ]
        await self.store.add(None, notifications)
        return notifications

    async def _call(self, caller: Principal | None, method: str, request: Any, response: Any) -> Any:
        with acting_as(self.tokens.token(caller) if caller else None):
            return await self.channel.call(method, request, response)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    clock, recipients, tokens = FakeClock(), FakeRecipientStore(), FakeTokenVerifier()
    store = FakeNotificationStore(recipients)
    servicer = NotificationRpc(Notifications(store, clock=clock))
    server = Server([servicer], host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", NotificationRpc.service)
    await channel.open()
    yield Client(channel, recipients, store, tokens, clock)
    await channel.close()
    await server.stop(0)


async def test_list_notifications_pages_through_the_callers_own(client: Client) -> None:
    owner = customer()
    await client.add(owner.account_id, 5)
    await client.add(uuid4())

    first = await client.list(owner, page_size=3, count_total=True)
    second = await client.list(owner, page_size=3, page_token=first.entries[-1].cursor)

    assert len({entry.notification.id for page in (first, second) for entry in page.entries}) == 5
    assert (first.has_next_page, second.has_next_page) == (True, False)
    assert first.total_count == 5
    assert not second.HasField("total_count")


async def test_batch_list_account_notifications_returns_the_same_pages_as_list_notifications(
    client: Client,
) -> None:
    owners = [customer() for _ in range(3)]
    for owner, count in zip(owners, (3, 0, 1), strict=True):
        await client.add(owner.account_id, count)
    accounts = [ACCOUNT.format(owner.account_id) for owner in owners]

    pages = (await client.batch_by_account(admin(), *accounts, page_size=2, count_total=True)).pages
    assert [(len(page.entries), page.has_next_page, page.total_count) for page in pages] == [
        (2, True, 3),
        (0, False, 0),
        (1, False, 1),
    ]
    for account, page in zip(accounts, pages, strict=True):
        assert page == await client.list(admin(), account_id=account, page_size=2, count_total=True)
    about = pages[0].entries[0].notification.order_id
    [only] = (await client.batch_by_account(owners[0], accounts[0], order_id=about)).pages
    assert [entry.notification.order_id for entry in only.entries] == [about]


async def test_batch_list_account_notifications_rejects_other_accounts_and_invalid_requests(
    client: Client,
) -> None:
    owner = customer()
    own, other = ACCOUNT.format(owner.account_id), ACCOUNT.format(ACCOUNT.new())
    with pytest.raises(PermissionDenied):
        await client.batch_by_account(owner, own, other)
    with pytest.raises(Unauthenticated):
        await client.batch_by_account(None, own)
    cases: list[tuple[list[str], dict[str, Any]]] = [
        ([], {}),
        ([own, own], {}),
        (["ord_1"], {}),
        ([own], {"page_size": 101}),
        ([own], {"page_token": "any"}),
    ]
    for accounts, fields in cases:
        with pytest.raises(InvalidArgument):
            await client.batch_by_account(admin(), *accounts, **fields)


async def test_list_notifications_returns_every_field(client: Client) -> None:
    owner = customer()
    [added] = await client.add(owner.account_id)
    await client.recipients.upsert(None, [john(client.clock, account_id=owner.account_id)])
    assert added.order_id

    notification = (await client.list(owner)).entries[0].notification
    assert notification.id.startswith("ntf_")
    assert (notification.account_id, notification.order_id) == (
        ACCOUNT.format(owner.account_id),
        ORDER.format(added.order_id),
    )
    assert (notification.template, notification.channel, notification.recipient, notification.subject) == (
        "order_confirmed",
        "email",
        "john@souk.test",
        "Your order is confirmed",
    )
    assert (notification.status, notification.attempts) == (notification_pb2.NOTIFICATION_STATUS_QUEUED, 0)
    assert notification.HasField("create_time")
    assert not notification.HasField("send_time")
    assert notification.failure == notification_pb2.NOTIFICATION_FAILURE_UNSPECIFIED


@pytest.mark.parametrize("failure", Failure)
async def test_list_notifications_returns_the_failure(client: Client, failure: Failure) -> None:
    owner = customer()
    [added] = await client.add(owner.account_id)
    added.fail("john@souk.test", failure)
    client.store.notifications[added.id] = added

    notification = (await client.list(owner)).entries[0].notification
    assert notification.status == notification_pb2.NOTIFICATION_STATUS_FAILED
    assert notification_pb2.NotificationFailure.Name(notification.failure).endswith(failure)


async def test_list_notifications_filters_by_order(client: Client) -> None:
    owner, order_id = customer(), uuid4()
    await client.add(owner.account_id, 2)
    await client.add(owner.account_id, order_id=order_id)

    response = await client.list(owner, order_id=ORDER.format(order_id))
    assert [entry.notification.order_id for entry in response.entries] == [ORDER.format(order_id)]


async def test_list_notifications_shows_an_admin_every_account(client: Client) -> None:
    owner = customer()
    await client.add(owner.account_id)
    await client.add(uuid4())

    assert len((await client.list(admin(), all_accounts=True)).entries) == 2
    assert len((await client.list(admin(), account_id=ACCOUNT.format(owner.account_id))).entries) == 1
    assert not (await client.list(admin())).entries


async def test_list_notifications_denies_a_customer_other_accounts(client: Client) -> None:
    with pytest.raises(PermissionDenied):
        await client.list(customer(), all_accounts=True)
    with pytest.raises(PermissionDenied):
        await client.list(customer(), account_id=ACCOUNT.format(ACCOUNT.new()))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"page_size": -1}, ("first",)),
        ({"page_size": 101}, ("first",)),
        ({"order_id": "7"}, ("orderId",)),
        ({"account_id": "ord_01h455vb4pex5vsknk084sn02q"}, ("accountId",)),
        ({"page_token": "%"}, ("after",)),
    ],
)
async def test_list_notifications_names_an_invalid_field(
    client: Client, fields: dict[str, Any], path: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await client.list(customer(), **fields)
    assert [violation.path for violation in rejection.value.fields] == [path]


async def test_a_cursor_is_valid_for_its_own_list_only(client: Client) -> None:
    owner = customer()
    await client.add(owner.account_id)
    cursor = (await client.list(owner)).entries[0].cursor

    with pytest.raises(InvalidArgument):
        await client.list(admin(), all_accounts=True, page_token=cursor)


async def test_batch_list_notifications_returns_the_callers_orders(client: Client) -> None:
    owner, own, other = customer(), uuid4(), uuid4()
    await client.add(owner.account_id, order_id=own)
    await client.add(uuid4(), order_id=other)
    ids = ORDER.format(own), ORDER.format(other)

    assert [notification.order_id for notification in await client.batch(owner, *ids)] == [ids[0]]
    assert {notification.order_id for notification in await client.batch(admin(), *ids)} == set(ids)


async def test_batch_list_notifications_rejects_invalid_ids_and_more_than_100(client: Client) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await client.batch(customer(), ORDER.format(ORDER.new()), "7")
    assert [violation.path for violation in rejection.value.fields] == [("order_ids", 1)]
    with pytest.raises(InvalidArgument):
        await client.batch(customer(), *(ORDER.format(ORDER.new()) for _ in range(101)))


async def test_every_rpc_requires_authentication(client: Client) -> None:
    with pytest.raises(Unauthenticated):
        await client.list(None)
    with pytest.raises(Unauthenticated):
        await client.batch(None, ORDER.format(ORDER.new()))
