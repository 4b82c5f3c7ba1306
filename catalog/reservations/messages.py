"""Protobuf messages of reservations <-> the domain. The rules for inputs are the domain's."""

from souk.catalog.v1 import stock_service_pb2 as pb

from catalog.reservations.domain import Reservation, ReservationRequest, ReservationState
from catalog.variants.messages import options_to_proto
from kit.values import ORDER, PRODUCT, VARIANT, FieldReader, SoldId, money_to_proto, timestamp_to_proto


def request_from_proto(request: pb.ReserveStockRequest) -> ReservationRequest:
    """Raises InvalidArgument with all violations."""
    order_id = ORDER.parse(request.order_id, "order_id")
    ids = [SoldId.parse(line.product_id, "products", index, "id") for index, line in enumerate(request.lines)]
    reader = FieldReader()
    expected_total = reader.decimal(request.expected_total, "expectedTotal")
    reader.raise_if_invalid()
    return ReservationRequest.parse(
        order_id,
        [(sold.variant_id, line.quantity) for sold, line in zip(ids, request.lines, strict=True)],
        expected_total,
        by_product=[sold.variant_id for sold in ids if sold.by_product],
        limits_judged=request.limits_judged,
    )


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
                variant_id=VARIANT.format(line.variant_id),
                sku=line.sku,
                options=options_to_proto(line.options),
            )
            for line in (reservation.lines if state.has_stock else ())
        ],
        state=state_to_proto(state),
        expire_time=timestamp_to_proto(reservation.expire_time),
        created=reservation.created,
    )


def state_to_proto(state: ReservationState | None) -> str:
    """The enum value's name; None: the order has no reservation."""
    return f"RESERVATION_STATE_{state or 'UNSPECIFIED'}"
