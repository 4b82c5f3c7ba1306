"""The events that the order service publishes: domain events -> messages."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from souk.order.v1 import events_pb2 as pb

from kit.events import AUDIT, Topic
from kit.values import ORDER, timestamp_to_proto
from order.orders.domain import (
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
)
from order.orders.messages import order_to_proto


def _placed(event: OrderPlaced) -> tuple[str, Message]:
    return ORDER.format(event.order.id), pb.OrderPlaced(
        order=order_to_proto(event.order, note=False),
        payment_method=event.payment_method,
        pay_before=timestamp_to_proto(event.pay_before),
        confirmation="PAYMENT_CONFIRMATION_" + event.confirmation,
        save_method=event.save_method,
        placed_by_guest=event.order.placed_by_guest,
    )


def _snapshot(kind: Callable[..., Message], *names: str) -> Callable[[Any], tuple[str, Message]]:
    """For events that carry only the order, and of it the fields `names`."""
    return lambda event: (
        ORDER.format(event.order.id),
        kind(
            order=order_to_proto(event.order, note=False),
            **{name: getattr(event.order, name) for name in names},
        ),
    )


TOPIC = Topic(
    "souk.order.v1",
    {
        OrderPlaced: _placed,
        OrderConfirmed: _snapshot(pb.OrderConfirmed),
        OrderCancelled: _snapshot(pb.OrderCancelled, "placed_by_guest"),
        OrderShipped: _snapshot(pb.OrderShipped),
        OrderDelivered: _snapshot(pb.OrderDelivered),
        OrderRefunded: _snapshot(pb.OrderRefunded),
    },
    also=AUDIT,
)
