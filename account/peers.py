"""The order service, as accounts call it. Deadlines and retries are data beside the contract."""

from uuid import UUID

from souk.order.v1 import order_service_pb2 as pb

from kit.rpc import Channel
from kit.values import ACCOUNT


class Orders:
    """`ports.Orders` over gRPC; a resource, as its channel is. The caller's token goes along."""

    name = "order"

    def __init__(self, address: str) -> None:
        self._channel = Channel(address, pb.DESCRIPTOR.services_by_name["OrderService"])

    async def open(self) -> None:
        """Opens the channel."""
        await self._channel.open()

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()

    async def ping(self) -> None:
        """Raises unless the order service serves."""
        await self._channel.ping()

    async def close_of(self, account_id: UUID) -> None:
        """CloseAccountOrders."""
        request = pb.CloseAccountOrdersRequest(account_id=ACCOUNT.format(account_id))
        await self._channel.call("CloseAccountOrders", request, pb.CloseAccountOrdersResponse)
