"""The catalog, as the order service calls it: pb <-> domain."""

from uuid import UUID

from souk.catalog.v1 import stock_service_pb2 as pb

from kit.errors import SoukError, Violation
from kit.identity import Identity
from kit.rpc import Peer
from kit.values import ORDER, PRODUCT, money_from_proto, timestamp_from_proto
from order.domain import Line, Purchase
from order.ports import Reservation, StockState

_STATES = {
    pb.RESERVATION_STATE_UNSPECIFIED: StockState.NONE,
    pb.RESERVATION_STATE_HELD: StockState.HELD,
    pb.RESERVATION_STATE_COMMITTED: StockState.COMMITTED,
    pb.RESERVATION_STATE_RELEASED: StockState.RELEASED,
    pb.RESERVATION_STATE_RETURNED: StockState.RETURNED,
}


class Catalog(Peer):
    """`ports.Catalog` over gRPC."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["StockService"], identity)

    async def reserve(self, order_id: UUID, purchase: Purchase) -> Reservation:
        """ReserveStock; what the catalog refuses names the lines as the caller sent them."""
        lines = [
            pb.ReserveStockRequest.Line(product_id=PRODUCT.format(each.product_id), quantity=each.quantity)
            for each in purchase.wanted
        ]
        request = pb.ReserveStockRequest(
            order_id=ORDER.format(order_id), lines=lines, expected_total=purchase.expected_total
        )
        try:
            answer = await self._call("ReserveStock", request, pb.ReserveStockResponse)
        except SoukError as refusal:
            refusal.fields = tuple(_as_sent(fault, purchase) for fault in refusal.fields)
            raise
        return Reservation(
            state=_STATES[answer.state],
            lines=tuple(
                Line(
                    PRODUCT.parse(line.product_id),
                    line.name,
                    money_from_proto(line.unit_price),
                    line.quantity,
                )
                for line in answer.lines
            ),
            expire_time=timestamp_from_proto(answer.expire_time),
        )

    async def commit(self, order_id: UUID) -> StockState:
        """CommitStock."""
        request = pb.CommitStockRequest(order_id=ORDER.format(order_id))
        return _STATES[(await self._call("CommitStock", request, pb.CommitStockResponse)).state]

    async def release(self, order_id: UUID) -> StockState:
        """ReleaseStock."""
        request = pb.ReleaseStockRequest(order_id=ORDER.format(order_id))
        return _STATES[(await self._call("ReleaseStock", request, pb.ReleaseStockResponse)).state]


def _as_sent(fault: Violation, purchase: Purchase) -> Violation:
    """The catalog counts products, the caller lines: they differ once a product was named twice."""
    match fault.path:
        case ("products", int(at), *rest) if at < len(purchase.wanted):
            return Violation(("products", purchase.wanted[at].position, *rest), fault.message)
    return fault
