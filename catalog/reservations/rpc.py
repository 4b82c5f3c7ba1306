"""The gRPC edge of reservations: request -> call -> response."""

from souk.catalog.v1 import stock_service_pb2 as pb

from catalog.reservations.messages import request_from_proto, reservation_to_proto, state_to_proto
from catalog.reservations.use_cases import Reservations
from kit.rpc import Call
from kit.values import ORDER


class ReservationRpc:
    """ReserveStock, CommitStock and ReleaseStock, for the order service only."""

    def __init__(self, reservations: Reservations) -> None:
        self._reservations = reservations

    async def reserve_stock(self, request: pb.ReserveStockRequest, call: Call) -> pb.ReserveStockResponse:
        """Prices and takes all lines or none."""
        return reservation_to_proto(await self._reservations.reserve(request_from_proto(request)))

    async def commit_stock(self, request: pb.CommitStockRequest, call: Call) -> pb.CommitStockResponse:
        """HELD becomes COMMITTED."""
        state = await self._reservations.commit(ORDER.parse(request.order_id, "order_id"))
        return pb.CommitStockResponse(state=state_to_proto(state))

    async def release_stock(self, request: pb.ReleaseStockRequest, call: Call) -> pb.ReleaseStockResponse:
        """Returns the order's stock."""
        state = await self._reservations.release(ORDER.parse(request.order_id, "order_id"))
        return pb.ReleaseStockResponse(state=state_to_proto(state))
