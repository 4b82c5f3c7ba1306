"""The gRPC edge, in this process: who may, what is answered, what is refused. A test for each RPC."""

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
from notification.domain import Failure, Notification
from notification.rpc import NotificationRpc
from notification.tests.fakes import RENDERER, FakeMailer, FakeNotificationStore, about_order, somebody
from notification.use_cases import Notifications


@dataclass
class Edge:
    """A client of a running server."""

    channel: Channel
    store: FakeNotificationStore
    tokens: FakeTokenVerifier
    clock: FakeClock

    async def list(self, caller: Principal | None, **fields: Any) -> pb.ListNotificationsResponse:
        request = pb.ListNotificationsRequest(**fields)
        answer: pb.ListNotificationsResponse = await self._call(
            caller, "ListNotifications", request, pb.ListNotificationsResponse
        )
        return answer

    async def batch(
        self, caller: Principal | None, *order_ids: str
    ) -> Sequence[notification_pb2.Notification]:
        request = pb.BatchListNotificationsRequest(order_ids=order_ids)
        answer = await self._call(
            caller, "BatchListNotifications", request, pb.BatchListNotificationsResponse
        )
        found: Sequence[notification_pb2.Notification] = answer.notifications
        return found

    async def each(
        self, caller: Principal | None, *accounts: str, **fields: Any
    ) -> pb.BatchListAccountNotificationsResponse:
        wanted = pb.ListNotificationsRequest(**fields)
        request = pb.BatchListAccountNotificationsRequest(account_ids=accounts, list=wanted)
        answer: pb.BatchListAccountNotificationsResponse = await self._call(
            caller, "BatchListAccountNotifications", request, pb.BatchListAccountNotificationsResponse
        )
        return answer

    async def history(
        self, account_id: UUID, count: int = 1, *, order_id: UUID | None = None
    ) -> Sequence[Notification]:
        found = [about_order(self.clock, account_id, order_id=order_id or uuid4()) for _ in range(count)]
        for notification in found:
            await self.store.add(None, [notification])
        return found

    async def _call(self, caller: Principal | None, method: str, request: Any, response: Any) -> Any:
        with acting_as(self.tokens.token(caller) if caller else None):
            return await self.channel.call(method, request, response)


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    clock, store, tokens = FakeClock(), FakeNotificationStore(), FakeTokenVerifier()
    renderer = RENDERER
    servicer = NotificationRpc(Notifications(store, renderer, FakeMailer(), clock=clock))
    server = Server([servicer], host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", NotificationRpc.service)
    await channel.open()
    yield Edge(channel, store, tokens, clock)
    await channel.close()
    await server.stop(0)


async def test_list_notifications_pages_through_the_callers_own(edge: Edge) -> None:
    owner = customer()
    await edge.history(owner.account_id, 5)
    await edge.history(uuid4())

    first = await edge.list(owner, page_size=3, count_total=True)
    second = await edge.list(owner, page_size=3, page_token=first.entries[-1].cursor)

    assert len({entry.notification.id for page in (first, second) for entry in page.entries}) == 5
    assert (first.has_next_page, second.has_next_page) == (True, False)
    assert first.total_count == 5
    assert not second.HasField("total_count")


async def test_batch_list_account_notifications_answers_for_each_what_its_own_list_does(edge: Edge) -> None:
    owners = [customer() for _ in range(3)]
    for owner, count in zip(owners, (3, 0, 1), strict=True):
        await edge.history(owner.account_id, count)
    accounts = [ACCOUNT.format(owner.account_id) for owner in owners]

    pages = (await edge.each(admin(), *accounts, page_size=2, count_total=True)).pages
    assert [(len(page.entries), page.has_next_page, page.total_count) for page in pages] == [
        (2, True, 3),
        (0, False, 0),
        (1, False, 1),
    ]
    for account, page in zip(accounts, pages, strict=True):
        assert page == await edge.list(admin(), account_id=account, page_size=2, count_total=True)
    about = pages[0].entries[0].notification.order_id
    [only] = (await edge.each(owners[0], accounts[0], order_id=about)).pages
    assert [entry.notification.order_id for entry in only.entries] == [about]


async def test_batch_list_account_notifications_refuses_what_is_not_the_callers(edge: Edge) -> None:
    owner = customer()
    own, other = ACCOUNT.format(owner.account_id), ACCOUNT.format(ACCOUNT.new())
    with pytest.raises(PermissionDenied):
        await edge.each(owner, own, other)
    with pytest.raises(Unauthenticated):
        await edge.each(None, own)
    cases: list[tuple[list[str], dict[str, Any]]] = [
        ([], {}),
        ([own, own], {}),
        (["ord_1"], {}),
        ([own], {"page_size": 101}),
        ([own], {"page_token": "any"}),
    ]
    for accounts, fields in cases:
        with pytest.raises(InvalidArgument):
            await edge.each(admin(), *accounts, **fields)


async def test_list_notifications_answers_every_field(edge: Edge) -> None:
    owner = customer()
    [kept] = await edge.history(owner.account_id)
    await edge.store.put_recipient(None, somebody(edge.clock, account_id=owner.account_id))
    assert kept.order_id

    found = (await edge.list(owner)).entries[0].notification
    assert found.id.startswith("ntf_")
    assert (found.account_id, found.order_id) == (
        ACCOUNT.format(owner.account_id),
        ORDER.format(kept.order_id),
    )
    assert (found.template, found.channel, found.recipient, found.subject) == (
        "order_confirmed",
        "email",
        "john@souk.test",
        "Your order is confirmed",
    )
    assert (found.status, found.attempts) == (notification_pb2.NOTIFICATION_STATUS_QUEUED, 0)
    assert found.HasField("create_time")
    assert not found.HasField("send_time")
    assert found.failure == notification_pb2.NOTIFICATION_FAILURE_UNSPECIFIED


@pytest.mark.parametrize("failure", Failure)
async def test_list_notifications_says_why_one_has_failed(edge: Edge, failure: Failure) -> None:
    owner = customer()
    [kept] = await edge.history(owner.account_id)
    kept.failed("john@souk.test", failure)
    await edge.store.save(kept)

    found = (await edge.list(owner)).entries[0].notification
    assert found.status == notification_pb2.NOTIFICATION_STATUS_FAILED
    assert notification_pb2.NotificationFailure.Name(found.failure).endswith(failure)


async def test_list_notifications_of_one_order(edge: Edge) -> None:
    owner, order_id = customer(), uuid4()
    await edge.history(owner.account_id, 2)
    await edge.history(owner.account_id, order_id=order_id)

    found = await edge.list(owner, order_id=ORDER.format(order_id))
    assert [entry.notification.order_id for entry in found.entries] == [ORDER.format(order_id)]


async def test_list_notifications_shows_an_admin_anybodys(edge: Edge) -> None:
    owner = customer()
    await edge.history(owner.account_id)
    await edge.history(uuid4())

    assert len((await edge.list(admin(), all_accounts=True)).entries) == 2
    assert len((await edge.list(admin(), account_id=ACCOUNT.format(owner.account_id))).entries) == 1
    assert not (await edge.list(admin())).entries


async def test_list_notifications_shows_a_customer_nobody_elses(edge: Edge) -> None:
    with pytest.raises(PermissionDenied):
        await edge.list(customer(), all_accounts=True)
    with pytest.raises(PermissionDenied):
        await edge.list(customer(), account_id=ACCOUNT.format(ACCOUNT.new()))


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
async def test_list_notifications_names_a_faulty_field(
    edge: Edge, fields: dict[str, Any], path: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        await edge.list(customer(), **fields)
    assert [fault.path for fault in refusal.value.fields] == [path]


async def test_a_cursor_serves_its_own_list_only(edge: Edge) -> None:
    owner = customer()
    await edge.history(owner.account_id)
    cursor = (await edge.list(owner)).entries[0].cursor

    with pytest.raises(InvalidArgument):
        await edge.list(admin(), all_accounts=True, page_token=cursor)


async def test_batch_list_notifications_answers_each_order_of_the_caller(edge: Edge) -> None:
    owner, mine, others = customer(), uuid4(), uuid4()
    await edge.history(owner.account_id, order_id=mine)
    await edge.history(uuid4(), order_id=others)
    ids = ORDER.format(mine), ORDER.format(others)

    assert [found.order_id for found in await edge.batch(owner, *ids)] == [ids[0]]
    assert {found.order_id for found in await edge.batch(admin(), *ids)} == set(ids)


async def test_batch_list_notifications_refuses_what_is_no_order_id_and_more_than_100(edge: Edge) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        await edge.batch(customer(), ORDER.format(ORDER.new()), "7")
    assert [fault.path for fault in refusal.value.fields] == [("order_ids", 1)]
    with pytest.raises(InvalidArgument):
        await edge.batch(customer(), *(ORDER.format(ORDER.new()) for _ in range(101)))


async def test_nobody_gets_anything_without_signing_in(edge: Edge) -> None:
    with pytest.raises(Unauthenticated):
        await edge.list(None)
    with pytest.raises(Unauthenticated):
        await edge.batch(None, ORDER.format(ORDER.new()))
