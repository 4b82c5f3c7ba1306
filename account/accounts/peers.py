"""The client of the order service."""

from uuid import UUID

from souk.order.v1 import order_service_pb2 as pb

from kit.identity import Identity
from kit.rpc import Peer
from kit.values import ACCOUNT


class Orders(Peer):
    """`ports.OrderCloser` over gRPC. Calls carry the token of the current caller."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["OrderService"], identity)

    async def close_orders_of(self, account_id: UUID) -> None:
        """Cancels PENDING orders; raises FailedPrecondition (ORDERS_OPEN) for other open orders."""
        request = pb.CloseAccountOrdersRequest(account_id=ACCOUNT.format(account_id))
        await self._call("CloseAccountOrders", request, pb.CloseAccountOrdersResponse)
