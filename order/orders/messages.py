"""The contract's order messages <-> the domain. Validates inputs; makes no decisions.

Validation errors name the public API's paths (products.0.quantity, shippingAddress.city), all errors of an input at once.
"""

from uuid import UUID

from souk.order.v1 import order_pb2 as pb
from souk.order.v1 import order_service_pb2 as service

from kit.values import (
    ACCOUNT,
    CART,
    ORDER,
    FieldReader,
    looks_like_card_number,
    money_to_proto,
    read_id,
    timestamp_to_proto,
)
from order.addresses.messages import address_to_proto
from order.lines.messages import line_to_proto, set_amounts
from order.orders.domain import Order, Status

_MAX_NOTE_LENGTH = 500
_REASON = "CANCEL_REASON_"
_SETTABLE_STATUSES = {
    pb.ORDER_STATUS_SHIPPED: Status.SHIPPED,
    pb.ORDER_STATUS_DELIVERED: Status.DELIVERED,
}
STATUS_PREFIX = "ORDER_STATUS_"


def cancellation_from_proto(request: service.CancelOrderRequest) -> tuple[UUID, str]:
    """The order's id and the text that its customer sees; raises InvalidArgument."""
    reader = FieldReader()
    order_id = read_id(reader, ORDER, request.order_id, "id")
    text = reader.text(request.reason, "reason", max_length=_MAX_NOTE_LENGTH)
    require_no_card_number(reader, text, "reason")
    reader.raise_if_invalid()
    assert order_id is not None
    return order_id, text


def status_update_from_proto(request: service.UpdateOrderStatusRequest) -> tuple[UUID, Status, str, str]:
    """The order's id, its new status, the note and the internal note; raises InvalidArgument."""
    reader = FieldReader()
    order_id = read_id(reader, ORDER, request.order_id, "id")
    status = _SETTABLE_STATUSES.get(request.status)
    reader.require(status is not None, "must be SHIPPED or DELIVERED", "status")
    # The note may hold a tracking number, which can look like a card number.
    note = reader.text(request.note, "note", max_length=_MAX_NOTE_LENGTH)
    internal_note = reader.text(request.internal_note, "internalNote", max_length=_MAX_NOTE_LENGTH)
    require_no_card_number(reader, internal_note, "internalNote")
    reader.raise_if_invalid()
    assert order_id is not None
    assert status is not None
    return order_id, status, note, internal_note


def order_to_proto(order: Order, *, internal: bool = False, note: bool = True) -> pb.Order:
    """`internal` includes the notes that only an ADMIN may see. Events leave `note` out, because they cannot be erased."""
    message = pb.Order(
        id=ORDER.format(order.id),
        account_id=ACCOUNT.format(order.account_id),
        lines=[line_to_proto(line) for line in order.lines],
        total=money_to_proto(order.total),
        refunded=money_to_proto(order.refunded),
        status=STATUS_PREFIX + order.status,
        cancel_reason=_REASON + (order.cancel_reason or "UNSPECIFIED"),
        status_reason=order.status_reason,
        history=[
            pb.OrderStatusChange(
                status=STATUS_PREFIX + change.status,
                time=timestamp_to_proto(change.time),
                note=change.note,
                internal_note=change.internal_note if internal else "",
            )
            for change in order.history
        ],
        shipping_address=address_to_proto(order.shipping_address),
        version=order.version,
        create_time=timestamp_to_proto(order.create_time),
        update_time=timestamp_to_proto(order.update_time),
        number=str(order.number),
        cart_id=CART.format(order.cart_id) if order.cart_id else "",
        billing_address=address_to_proto(order.billing_address),
        note=order.note if note else "",
    )
    set_amounts(message, order.amounts)
    return message


def require_no_card_number(reader: FieldReader, value: str, *path: str) -> None:
    """Rejects text into which a card number was pasted."""
    reader.require(not looks_like_card_number(value), "must not contain a card number", *path)
