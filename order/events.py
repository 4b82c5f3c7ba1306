"""What the order service publishes: facts -> messages, one table."""

from collections.abc import Callable
from typing import Any

from google.protobuf.message import Message
from souk.order.v1 import events_pb2 as pb

from kit.events import AUDIT, Topic
from kit.values import ORDER, timestamp_to_proto
from order.domain import (
    OrderCancelled,
    OrderConfirmed,
    OrderDelivered,
    OrderPlaced,
    OrderRefunded,
    OrderShipped,
)
from order.messages import order_to_proto


def _placed(fact: OrderPlaced) -> tuple[str, Message]:
    message = pb.OrderPlaced(
        order=order_to_proto(fact.order),
        payment_method=fact.payment_method,
        pay_before=timestamp_to_proto(fact.pay_before),
    )
    return ORDER.format(fact.order.id), message


def _as_it_is(kind: Callable[..., Message]) -> Callable[[Any], tuple[str, Message]]:
    """For facts that say no more than what the order is now."""
    return lambda fact: (ORDER.format(fact.order.id), kind(order=order_to_proto(fact.order)))


TOPIC = Topic(
    "souk.order.v1",
    {
        OrderPlaced: _placed,
        OrderConfirmed: _as_it_is(pb.OrderConfirmed),
        OrderCancelled: _as_it_is(pb.OrderCancelled),
        OrderShipped: _as_it_is(pb.OrderShipped),
        OrderDelivered: _as_it_is(pb.OrderDelivered),
        OrderRefunded: _as_it_is(pb.OrderRefunded),
    },
    also=AUDIT,
)
