"""The client of the order service, with what guests need of it."""

from collections.abc import Sequence
from uuid import UUID

from souk.order.v1 import order_service_pb2 as pb

from account.accounts.peers import Orders
from account.guests.domain import OrderState, OrderSummary
from kit.values import ACCOUNT, timestamp_from_proto


class GuestOrders(Orders):
    """`ports.OrderSummaries` and `links.ports.OrderFinder` over gRPC; these calls need no user."""

    async def summarize(self, account_ids: Sequence[UUID]) -> list[OrderSummary]:
        """What each account has ordered, in the order of the ids."""
        request = pb.SummarizeAccountOrdersRequest(account_ids=map(ACCOUNT.format, account_ids))
        response = await self._call("SummarizeAccountOrders", request, pb.SummarizeAccountOrdersResponse)
        return [_summary(message) for message in response.summaries]

    async def find_owner(self, number: str) -> UUID | None:
        """The account of the paid order with a number."""
        request = pb.FindOrderOwnerRequest(number=number)
        response = await self._call("FindOrderOwner", request, pb.FindOrderOwnerResponse)
        # A guest gets no mail about an order that it has not paid: it may have left another person's address.
        return ACCOUNT.parse(response.account_id, "account_id") if response.paid else None


def _summary(message: pb.SummarizeAccountOrdersResponse.Summary) -> OrderSummary:
    if not message.has_orders:
        return OrderSummary(OrderState.NONE, timestamp_from_proto(message.update_time))
    state = OrderState.OPEN if message.has_open_orders else OrderState.ENDED
    return OrderSummary(state, timestamp_from_proto(message.update_time))
