"""The gRPC methods in one process: authorization, responses, errors. A test for each RPC."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from souk.order.v1 import order_pb2
from souk.order.v1 import order_service_pb2 as pb

from kit.auth import Principal
from kit.errors import (
    Aborted,
    FailedPrecondition,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    SoukError,
    Unauthenticated,
)
from kit.events import AdminActed
from kit.rpc import Channel, Server
from kit.testing.contracts import acting_as
from kit.testing.principals import FakeAdminVerifier, FakeTokenVerifier, admin, customer
from kit.values import ACCOUNT, ORDER, PRODUCT
from order.closed_accounts.rpc import ClosedAccountsRpc
from order.listing.rpc import ListingRpc
from order.orders.rpc import OrdersRpc
from order.placing.rpc import PlacingRpc
from order.rpc import OrderRpc
from order.tests.shop import Shop


@dataclass
class Edge:
    """A client of a running server."""

    channel: Channel
    tokens: FakeTokenVerifier
    shop: Shop
    admins: FakeAdminVerifier

    async def call(self, caller: Principal | None, method: str, request: Any, response: Any) -> Any:
        if caller is not None and not caller.token:
            caller = self.tokens.token(caller)
        with acting_as(caller):
            return await self.channel.call(method, request, response)

    async def place(self, caller: Principal | None, **fields: Any) -> order_pb2.Order:
        request = pb.PlaceOrderRequest(**{"lines": [line()], "request_id": PRODUCT.new().hex, **fields})
        response: pb.PlaceOrderResponse = await self.call(
            caller, "PlaceOrder", request, pb.PlaceOrderResponse
        )
        return response.order

    async def get(self, caller: Principal | None, order_id: str) -> order_pb2.Order:
        request = pb.GetOrderRequest(order_id=order_id)
        response: pb.GetOrderResponse = await self.call(caller, "GetOrder", request, pb.GetOrderResponse)
        return response.order

    async def paid(self, caller: Principal) -> order_pb2.Order:
        order = await self.place(caller)
        order_id = ORDER.parse(order.id)
        stock = await self.shop.orders.commit_stock(order_id)
        async with self.shop.db.transaction() as tx:
            await self.shop.orders.payment_succeeded(tx, order_id, stock)
        return await self.get(caller, order.id)

    async def cancel(self, caller: Principal | None, order_id: str, reason: str = "") -> order_pb2.Order:
        request = pb.CancelOrderRequest(order_id=order_id, reason=reason)
        response: pb.CancelOrderResponse = await self.call(
            caller, "CancelOrder", request, pb.CancelOrderResponse
        )
        return response.order

    async def move(self, caller: Principal | None, order_id: str, **fields: Any) -> order_pb2.Order:
        chosen = {"status": order_pb2.ORDER_STATUS_SHIPPED, **fields}
        request = pb.UpdateOrderStatusRequest(order_id=order_id, **chosen)
        response: pb.UpdateOrderStatusResponse = await self.call(
            caller, "UpdateOrderStatus", request, pb.UpdateOrderStatusResponse
        )
        return response.order

    async def close(self, caller: Principal | None, account_id: str) -> None:
        request = pb.CloseAccountOrdersRequest(account_id=account_id)
        await self.call(caller, "CloseAccountOrders", request, pb.CloseAccountOrdersResponse)

    async def list(self, caller: Principal | None, **fields: Any) -> pb.ListOrdersResponse:
        request = pb.ListOrdersRequest(**fields)
        response: pb.ListOrdersResponse = await self.call(
            caller, "ListOrders", request, pb.ListOrdersResponse
        )
        return response

    async def batch_list(
        self, caller: Principal | None, *accounts: str, **fields: Any
    ) -> pb.BatchListOrdersResponse:
        request = pb.BatchListOrdersRequest(account_ids=accounts, list=pb.ListOrdersRequest(**fields))
        response: pb.BatchListOrdersResponse = await self.call(
            caller, "BatchListOrders", request, pb.BatchListOrdersResponse
        )
        return response


def line(quantity: int = 1) -> pb.PlaceOrderRequest.Line:
    return pb.PlaceOrderRequest.Line(product_id=PRODUCT.format(PRODUCT.derive("mug")), quantity=quantity)


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    shop, tokens, admins = Shop(), FakeTokenVerifier(), FakeAdminVerifier()
    rpc = OrderRpc(
        orders=OrdersRpc(shop.orders, admins),
        placing=PlacingRpc(shop.placing, admins, default_method="pm_card_visa"),
        listing=ListingRpc(shop.listing),
        closed_accounts=ClosedAccountsRpc(shop.closed_accounts),
    )
    server = Server([rpc], host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", OrderRpc.service)
    await channel.open()
    yield Edge(channel, tokens, shop, admins)
    await channel.close()
    await server.stop(0)


async def test_place_order_returns_the_pending_order(edge: Edge) -> None:
    caller = customer()

    order = await edge.place(caller, lines=[line(2)])

    assert order.status == order_pb2.ORDER_STATUS_PENDING
    assert order.account_id == ACCOUNT.format(caller.account_id)
    assert (order.total.units, order.total.nanos) == (19, 980_000_000)


async def test_place_order_with_the_same_meaning_returns_the_same_order(edge: Edge) -> None:
    caller = customer()
    own, key = ACCOUNT.format(caller.account_id), "the-same"
    first = await edge.place(caller, lines=[line(3)], request_id=key, expected_total="29.97")
    again = [
        await edge.place(caller, lines=lines, request_id=key, **fields)
        for lines, fields in (
            ([line(3)], {"account_id": own, "expected_total": "29.97"}),
            ([line(1), line(2)], {"expected_total": "29.9700000000"}),
            ([line(2), line(1)], {"expected_total": "29.97", "payment_method": "pm_card_visa"}),
        )
    ]
    assert {order.id for order in again} == {first.id}
    with pytest.raises(Aborted):
        await edge.place(caller, lines=[line(2)], request_id=key, expected_total="29.97")


async def test_place_order_twice_with_one_key_returns_one_order(edge: Edge) -> None:
    caller = customer()

    assert (await edge.place(caller, request_id="k")).id == (await edge.place(caller, request_id="k")).id


async def test_place_order_names_every_invalid_field(edge: Edge) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await edge.place(customer(), lines=[line(0)], payment_method="4242424242424242")

    assert [fault.path for fault in rejection.value.fields] == [
        ("products", 0, "quantity"),
        ("paymentMethod",),
    ]


async def test_place_order_passes_on_the_catalogs_error(edge: Edge) -> None:
    edge.shop.catalog.rejection = FailedPrecondition(
        "too little", reason="OUT_OF_STOCK", details={"lines": [{"available": 1}]}
    )

    with pytest.raises(FailedPrecondition) as rejection:
        await edge.place(customer())
    assert (rejection.value.reason, rejection.value.details["lines"]) == ("OUT_OF_STOCK", [{"available": 1}])


async def test_get_order_is_for_the_owner_and_admins(edge: Edge) -> None:
    owner = customer()
    order = await edge.place(owner)

    assert await edge.get(owner, order.id) == order
    assert (await edge.get(admin(), order.id)).id == order.id
    with pytest.raises(NotFound):
        await edge.get(customer(), order.id)


@pytest.mark.parametrize("order_id", ["", "ord_", "7", "prod_01h455vb4pex5vsknk084sn02q"])
async def test_get_order_rejects_a_malformed_id(edge: Edge, order_id: str) -> None:
    with pytest.raises(InvalidArgument):
        await edge.get(customer(), order_id)


async def test_get_order_of_an_unknown_order_is_not_found(edge: Edge) -> None:
    with pytest.raises(NotFound):
        await edge.get(admin(), ORDER.format(ORDER.new()))


async def test_list_orders_pages_through_the_callers_orders(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    mine = [(await edge.place(owner)).id for _ in range(5)]
    await edge.place(customer())

    first = await edge.list(owner, page_size=3, count_total=True)
    second = await edge.list(owner, page_size=3, page_token=first.entries[-1].cursor)

    assert sorted(entry.order.id for page in (first, second) for entry in page.entries) == sorted(mine)
    assert (first.has_next_page, second.has_next_page) == (True, False)
    assert first.total_count == 5
    assert not second.HasField("total_count")


async def test_list_orders_shows_an_admin_the_orders_of_all_accounts(edge: Edge) -> None:
    owner = customer()
    await edge.place(owner)
    await edge.place(customer())

    assert len((await edge.list(admin(), all_accounts=True)).entries) == 2
    assert len((await edge.list(admin(), account_id=ACCOUNT.format(owner.account_id))).entries) == 1
    assert not (await edge.list(admin())).entries


async def test_list_orders_shows_a_customer_only_their_own_orders(edge: Edge) -> None:
    with pytest.raises(PermissionDenied):
        await edge.list(customer(), all_accounts=True)
    with pytest.raises(PermissionDenied):
        await edge.list(customer(), account_id=ACCOUNT.format(ACCOUNT.new()))


async def test_list_orders_filters_by_status_and_time(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    order = await edge.place(owner)
    since = order.create_time

    assert (await edge.list(owner, statuses=[order_pb2.ORDER_STATUS_PENDING], created_after=since)).entries
    assert not (await edge.list(owner, statuses=[order_pb2.ORDER_STATUS_SHIPPED])).entries
    assert not (await edge.list(owner, created_before=since)).entries


async def test_list_orders_rejects_invalid_filters(edge: Edge) -> None:
    cases: list[tuple[dict[str, Any], tuple[str, ...]]] = [
        ({"statuses": [99]}, ("filter", "statuses")),
        ({"statuses": [0]}, ("filter", "statuses")),
        ({"created_after": {"seconds": 10**12}}, ("filter", "createdAfter")),
    ]
    for fields, path in cases:
        with pytest.raises(InvalidArgument) as rejection:
            await edge.list(customer(), **fields)
        assert [fault.path for fault in rejection.value.fields] == [path]


async def test_batch_list_orders_returns_for_each_account_the_page_of_list_orders(edge: Edge) -> None:
    owners = [customer() for _ in range(3)]
    for owner, count in zip(owners, (3, 0, 1), strict=True):
        for _ in range(count):
            await edge.place(owner)
    accounts, page = [ACCOUNT.format(owner.account_id) for owner in owners], {"page_size": 2}

    pages = (await edge.batch_list(admin(), *accounts, **page, count_total=True)).pages
    assert [(len(page.entries), page.has_next_page, page.total_count) for page in pages] == [
        (2, True, 3),
        (0, False, 0),
        (1, False, 1),
    ]
    for account, result in zip(accounts, pages, strict=True):
        assert result == await edge.list(admin(), account_id=account, **page, count_total=True)
    assert not (await edge.batch_list(admin(), *accounts)).pages[0].HasField("total_count")
    assert (
        not (await edge.batch_list(owners[0], accounts[0], statuses=["ORDER_STATUS_SHIPPED"]))
        .pages[0]
        .entries
    )


async def test_batch_list_orders_rejects_other_accounts_and_invalid_requests(edge: Edge) -> None:
    owner, other = customer(), ACCOUNT.format(ACCOUNT.new())
    own = ACCOUNT.format(owner.account_id)
    with pytest.raises(PermissionDenied):
        await edge.batch_list(owner, own, other)
    with pytest.raises(Unauthenticated):
        await edge.batch_list(None, own)
    cases: list[tuple[list[str], dict[str, Any]]] = [
        ([], {}),
        ([own, own], {}),
        ([ACCOUNT.format(ACCOUNT.new()) for _ in range(101)], {}),
        (["ord_1"], {}),
        ([own], {"page_size": 101}),
        ([own], {"page_token": "any"}),
        ([own], {"statuses": [99]}),
    ]
    for accounts, fields in cases:
        with pytest.raises(InvalidArgument):
            await edge.batch_list(admin(), *accounts, **fields)


async def test_a_cursor_is_valid_only_for_its_own_list(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    await edge.place(owner)
    cursor = (await edge.list(owner)).entries[0].cursor

    for fields in (
        {"statuses": [order_pb2.ORDER_STATUS_PENDING]},
        {"page_token": cursor + "x"},
        {"page_token": "%"},
    ):
        with pytest.raises(InvalidArgument) as rejection:
            await edge.list(owner, **{"page_token": cursor, **fields})
        assert rejection.value.fields[0].path == ("after",)


@pytest.mark.parametrize("size", [-1, 101])
async def test_a_page_has_between_1_and_100_orders(edge: Edge, size: int) -> None:
    with pytest.raises(InvalidArgument):
        await edge.list(customer(), page_size=size)


async def test_cancel_order_cancels_the_callers_order(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    order = await edge.place(owner)

    cancelled = await edge.cancel(owner, order.id, " changed my mind ")

    assert cancelled.status == order_pb2.ORDER_STATUS_CANCELLED
    assert cancelled.cancel_reason == order_pb2.CANCEL_REASON_CUSTOMER
    assert (cancelled.status_reason, cancelled.history[-1].note) == ("changed my mind", "changed my mind")
    assert await edge.cancel(owner, order.id) == cancelled == await edge.get(owner, order.id)


async def test_cancel_order_is_for_the_owner_and_admins(edge: Edge) -> None:
    order = await edge.place(customer())

    with pytest.raises(NotFound) as rejection:
        await edge.cancel(customer(), order.id)
    assert rejection.value.reason == "ORDER_NOT_FOUND"
    assert (await edge.cancel(admin(), order.id)).cancel_reason == order_pb2.CANCEL_REASON_ADMIN


async def test_cancel_order_of_a_shipped_order_names_both_statuses(edge: Edge) -> None:
    order = await edge.paid(customer())
    await edge.move(admin(), order.id)

    with pytest.raises(FailedPrecondition, match="SHIPPED and cannot become CANCELLED") as rejection:
        await edge.cancel(admin(), order.id)
    assert rejection.value.reason == "ORDER_STATE"
    assert rejection.value.details == {"status": "SHIPPED", "wanted": "CANCELLED"}


@pytest.mark.parametrize(
    ("order_id", "reason", "paths"),
    [
        ("", "", [("id",)]),
        ("prod_01h455vb4pex5vsknk084sn02q", "x" * 501, [("id",), ("reason",)]),
        (ORDER.format(ORDER.new()), "a\x00b", [("reason",)]),
    ],
)
async def test_cancel_order_names_every_invalid_field(
    edge: Edge, order_id: str, reason: str, paths: list[tuple[str, ...]]
) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await edge.cancel(customer(), order_id, reason)
    assert [fault.path for fault in rejection.value.fields] == paths


async def test_update_order_status_shows_the_customer_only_the_public_note(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    order = await edge.paid(owner)

    shipped = await edge.move(admin(), order.id, note="by bike", internal_note="fragile")

    assert shipped.status == order_pb2.ORDER_STATUS_SHIPPED
    assert (shipped.history[-1].note, shipped.history[-1].internal_note) == ("by bike", "fragile")
    seen = await edge.get(owner, order.id)
    assert (seen.history[-1].note, seen.history[-1].internal_note) == ("by bike", "")
    delivered = await edge.move(admin(), order.id, status=order_pb2.ORDER_STATUS_DELIVERED)
    assert delivered.version == shipped.version + 1


async def test_update_order_status_is_for_admins(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    order = await edge.paid(owner)

    with pytest.raises(PermissionDenied):
        await edge.move(owner, order.id)


@pytest.mark.parametrize("status", [0, 1, 2, 5, 99])
async def test_update_order_status_accepts_only_shipped_and_delivered(edge: Edge, status: int) -> None:
    with pytest.raises(InvalidArgument) as rejection:
        await edge.move(
            admin(), ORDER.format(ORDER.new()), status=status, note="x" * 501, internal_note="\x07"
        )
    assert [fault.path for fault in rejection.value.fields] == [("status",), ("note",), ("internalNote",)]


async def test_update_order_status_of_an_unpaid_order_is_rejected(edge: Edge) -> None:
    order = await edge.place(customer())

    with pytest.raises(FailedPrecondition) as rejection:
        await edge.move(admin(), order.id)
    assert (rejection.value.reason, rejection.value.details["status"]) == ("ORDER_STATE", "PENDING")


async def test_update_order_status_of_an_unknown_order_is_not_found(edge: Edge) -> None:
    with pytest.raises(NotFound):
        await edge.move(admin(), ORDER.format(ORDER.new()))


async def test_a_former_admin_changes_nothing(edge: Edge) -> None:
    owner, former = edge.tokens.token(customer()), edge.tokens.token(admin())
    order = await edge.paid(owner)
    edge.admins.demoted.add(former.account_id)

    for call in (
        edge.move(former, order.id),
        edge.cancel(former, order.id),
        edge.place(former, account_id=ACCOUNT.format(owner.account_id)),
    ):
        with pytest.raises(PermissionDenied):
            await call
    assert await edge.get(owner, order.id) == order


async def test_changes_by_an_admin_are_published_to_the_audit_log(edge: Edge) -> None:
    owner, boss = edge.tokens.token(customer()), edge.tokens.token(admin())
    paid = await edge.paid(owner)
    placed = await edge.place(boss, account_id=ACCOUNT.format(owner.account_id))
    await edge.move(boss, paid.id)
    await edge.move(boss, paid.id)
    await edge.cancel(boss, placed.id)
    await edge.cancel(boss, (await edge.place(boss)).id)

    acted = [event for event in edge.shop.db.events if isinstance(event, AdminActed)]
    assert [(event.action, event.subject) for event in acted] == [
        ("order.place_order", placed.id),
        ("order.update_order_status", paid.id),
        ("order.cancel_order", placed.id),
    ]
    assert {event.actor_id for event in acted} == {boss.account_id}


async def test_close_account_orders_cancels_pending_orders(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    order = await edge.place(owner)

    await edge.close(owner, ACCOUNT.format(owner.account_id))

    closed = await edge.get(owner, order.id)
    assert closed.cancel_reason == order_pb2.CANCEL_REASON_ACCOUNT_DELETED
    await edge.close(admin(), ACCOUNT.format(owner.account_id))
    assert await edge.get(owner, order.id) == closed


async def test_close_account_orders_is_rejected_while_a_paid_order_is_open(edge: Edge) -> None:
    owner = edge.tokens.token(customer())
    await edge.paid(owner)
    waiting = await edge.place(owner)

    with pytest.raises(FailedPrecondition) as rejection:
        await edge.close(owner, ACCOUNT.format(owner.account_id))
    assert rejection.value.reason == "ORDERS_OPEN"
    assert (await edge.get(owner, waiting.id)).status == order_pb2.ORDER_STATUS_PENDING


async def test_close_account_orders_is_for_the_owner_and_admins(edge: Edge) -> None:
    with pytest.raises(PermissionDenied):
        await edge.close(customer(), ACCOUNT.format(ACCOUNT.new()))


async def test_every_rpc_requires_a_signed_in_caller(edge: Edge) -> None:
    rejected: list[type[SoukError]] = []
    order_id = ORDER.format(ORDER.new())
    calls = (edge.place(None), edge.get(None, order_id), edge.list(None))
    account_id = ACCOUNT.format(ACCOUNT.new())
    others = (edge.cancel(None, order_id), edge.move(None, order_id), edge.close(None, account_id))
    for call in (*calls, *others):
        with pytest.raises(Unauthenticated) as rejection:
            await call
        rejected.append(rejection.type)

    assert rejected == [Unauthenticated] * 6
