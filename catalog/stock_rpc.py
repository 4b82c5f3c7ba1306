"""The gRPC edge of stock: request -> call -> response. What the messages mean is in `messages`."""

from souk.catalog.v1 import stock_service_pb2 as pb

from catalog.messages import reservation_to_proto, state_to_proto, wish_from_proto
from catalog.stock_use_cases import Stock
from kit.rpc import Call
from kit.values import ORDER


class StockRpc:
    """souk.catalog.v1.StockService, for the order service only."""

    service = pb.DESCRIPTOR.services_by_name["StockService"]

    def __init__(self, stock: Stock) -> None:
        self._stock = stock

    async def reserve_stock(self, request: pb.ReserveStockRequest, call: Call) -> pb.ReserveStockResponse:
        """ReserveStock."""
        return reservation_to_proto(await self._stock.reserve(wish_from_proto(request)))

    async def commit_stock(self, request: pb.CommitStockRequest, call: Call) -> pb.CommitStockResponse:
        """CommitStock."""
        state = await self._stock.commit(ORDER.parse(request.order_id, "order_id"))
        return pb.CommitStockResponse(state=state_to_proto(state))

    async def release_stock(self, request: pb.ReleaseStockRequest, call: Call) -> pb.ReleaseStockResponse:
        """ReleaseStock."""
        state = await self._stock.release(ORDER.parse(request.order_id, "order_id"))
        return pb.ReleaseStockResponse(state=state_to_proto(state))
