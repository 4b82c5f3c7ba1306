"""The gRPC methods that list orders, and those by which the account service asks about guests."""

from dataclasses import replace

from souk.order.v1 import order_service_pb2 as pb

from kit.rpc import Call
from kit.values import ACCOUNT, first_page_size, requested_page
from order.listing.messages import (
    cursor_scope,
    filter_from_proto,
    page_to_proto,
    parse_number,
    summary_to_proto,
)
from order.listing.use_cases import Listing


class ListingRpc:
    """Lists and summaries."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing

    async def list_orders(self, request: pb.ListOrdersRequest, call: Call) -> pb.ListOrdersResponse:
        """A page of the caller's orders, or of any orders for an ADMIN."""
        account_id = call.resolve_account_scope(request.account_id, all_accounts=request.all_accounts)
        filter = filter_from_proto(request, account_id)
        after, size = requested_page(request, cursor_scope(filter))
        page = await self._listing.page(filter, after, size, count=request.count_total)
        return page_to_proto(page, filter, internal=call.require_principal().is_admin)

    async def batch_list_orders(
        self, request: pb.BatchListOrdersRequest, call: Call
    ) -> pb.BatchListOrdersResponse:
        """The first page of each account."""
        caller, ids = call.require_principal(), ACCOUNT.parse_unique(request.account_ids, "account_ids")
        filter, size = filter_from_proto(request.list, None), first_page_size(request.list)
        count = request.list.count_total
        pages = await self._listing.page_by_account(caller, filter, ids, size, count=count)
        return pb.BatchListOrdersResponse(
            pages=[
                page_to_proto(page, replace(filter, account_id=account_id), internal=caller.is_admin)
                for account_id, page in zip(ids, pages, strict=True)
            ]
        )

    async def summarize_account_orders(
        self, request: pb.SummarizeAccountOrdersRequest, call: Call
    ) -> pb.SummarizeAccountOrdersResponse:
        """For the account service, without a user."""
        ids = ACCOUNT.parse_unique(request.account_ids, "account_ids")
        summaries = await self._listing.summaries(ids)
        return pb.SummarizeAccountOrdersResponse(summaries=map(summary_to_proto, summaries))

    async def find_order_owner(
        self, request: pb.FindOrderOwnerRequest, call: Call
    ) -> pb.FindOrderOwnerResponse:
        """For the account service, without a user."""
        number = parse_number(request.number)
        owner = None if number is None else await self._listing.owner(number)
        if owner is None:
            return pb.FindOrderOwnerResponse()
        return pb.FindOrderOwnerResponse(account_id=ACCOUNT.format(owner.account_id), paid=owner.paid)
