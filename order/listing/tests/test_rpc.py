"""The gRPC methods of lists of orders on a server in this process: responses and errors."""

from typing import Any

import pytest
from souk.order.v1 import order_pb2
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import (
    InvalidArgument,
    PermissionDenied,
    Unauthenticated,
)
from kit.testing.principals import admin, customer
from kit.values import ACCOUNT
from order.tests.edge import Edge, edge

__all__ = ["edge"]


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


async def test_summarize_account_orders_and_find_order_owner_need_no_user(edge: Edge) -> None:
    owner = customer()
    order = await edge.place(owner)
    ids = [ACCOUNT.format(owner.account_id), ACCOUNT.format(ACCOUNT.new())]

    request = pb.SummarizeAccountOrdersRequest(account_ids=ids)
    summaries = await edge.call(None, "SummarizeAccountOrders", request, pb.SummarizeAccountOrdersResponse)
    owners = [
        (
            await edge.call(
                None, "FindOrderOwner", pb.FindOrderOwnerRequest(number=number), pb.FindOrderOwnerResponse
            )
        ).account_id
        for number in (f" {order.number} ", "1", "ord_1", "")
    ]

    assert [(s.has_orders, s.has_open_orders) for s in summaries.summaries] == [(True, True), (False, False)]
    assert owners == [ids[0], "", "", ""]
