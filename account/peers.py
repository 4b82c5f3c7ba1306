"""The order service, as accounts call it."""

from uuid import UUID

from souk.order.v1 import order_service_pb2 as pb

from kit.identity import Identity
from kit.rpc import Peer
from kit.values import ACCOUNT


class Orders(Peer):
    """`ports.Orders` over gRPC. The caller's token goes along."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["OrderService"], identity)

    async def close_of(self, account_id: UUID) -> None:
        """CloseAccountOrders."""
        request = pb.CloseAccountOrdersRequest(account_id=ACCOUNT.format(account_id))
        await self._call("CloseAccountOrders", request, pb.CloseAccountOrdersResponse)
