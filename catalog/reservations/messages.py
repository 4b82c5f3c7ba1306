"""Protobuf messages of reservations <-> the domain. The rules for inputs are the domain's."""

from decimal import Decimal, InvalidOperation

from souk.catalog.v1 import stock_service_pb2 as pb

from catalog.reservations.domain import RequestedLine, Reservation, ReservationRequest, ReservationState
from kit.errors import InvalidArgument, Violation
from kit.values import ORDER, PRODUCT, money_to_proto, timestamp_to_proto


def request_from_proto(request: pb.ReserveStockRequest) -> ReservationRequest:
    """Raises InvalidArgument with all violations."""
    return ReservationRequest.parse(
        ORDER.parse(request.order_id, "order_id"),
        [
            RequestedLine(PRODUCT.parse(line.product_id, "products", index, "id"), line.quantity)
            for index, line in enumerate(request.lines)
        ],
        _decimal(request.expected_total, "expectedTotal"),
    )


def _decimal(text: str, path: str) -> Decimal | None:
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        rule = "must be a decimal number, such as 999.99"
        raise InvalidArgument(f"{path}: {rule}", fields=[Violation((path,), rule)])
    return value


def reservation_to_proto(reservation: Reservation) -> pb.ReserveStockResponse:
    """Without lines if the reservation holds no stock any more."""
    state = reservation.state
    return pb.ReserveStockResponse(
        lines=[
            pb.PricedLine(
                product_id=PRODUCT.format(line.product_id),
                name=line.name,
                unit_price=money_to_proto(line.unit_price),
                quantity=line.quantity,
            )
            for line in (reservation.lines if state.has_stock else ())
        ],
        state=state_to_proto(state),
        expire_time=timestamp_to_proto(reservation.expire_time),
    )


def state_to_proto(state: ReservationState | None) -> str:
    """The enum value's name; None: the order has no reservation."""
    return f"RESERVATION_STATE_{state or 'UNSPECIFIED'}"
