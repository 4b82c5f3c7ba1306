"""Validation of changes to an order, and the messages and events of orders."""

from datetime import timedelta
from uuid import uuid4

import pytest
from souk.order.v1 import events_pb2, order_pb2
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import InvalidArgument
from kit.testing import FakeClock
from kit.values import ORDER, PRODUCT, Money
from order.orders.domain import Address, Line, Order, OrderPlaced, Schedule, Status
from order.orders.events import TOPIC
from order.orders.messages import cancellation_from_proto, order_to_proto, status_update_from_proto

PRODUCT_ID = PRODUCT.format(PRODUCT.new())


def placed() -> OrderPlaced:
    now = FakeClock().now
    schedule = Schedule.of(now, timedelta(minutes=10), now + timedelta(hours=1))
    address = Address("John Doe", "Bahnhofstrasse 1", "", "Zürich", "", "", "CH")
    lines = [Line(PRODUCT.parse(PRODUCT_ID), "Laptop", Money(99_999, "USD"), 2)]
    return Order.place(uuid4(), uuid4(), lines, address, "pm_card_visa", schedule, now)


@pytest.mark.parametrize(
    "number", ["4242424242424242", "JD01 4600 0000 0000 0000 01", "00340434161094021501"]
)
def test_a_parcels_number_may_stand_in_the_note(number: str) -> None:
    order_id = ORDER.format(ORDER.new())
    shipped = pb.UpdateOrderStatusRequest(
        order_id=order_id, status=order_pb2.ORDER_STATUS_SHIPPED, note=f"DHL {number}"
    )
    assert status_update_from_proto(shipped)[2] == f"DHL {number}"


def test_cards_are_refused_where_people_paste_them() -> None:
    order_id, card = ORDER.format(ORDER.new()), "back to my card 4242424242424242, please"
    with pytest.raises(InvalidArgument) as cancelling:
        cancellation_from_proto(pb.CancelOrderRequest(order_id=order_id, reason=card))
    with pytest.raises(InvalidArgument) as moving:
        status_update_from_proto(
            pb.UpdateOrderStatusRequest(
                order_id=order_id, status=order_pb2.ORDER_STATUS_SHIPPED, internal_note=card
            )
        )
    assert [fault.path for fault in cancelling.value.fields] == [("reason",)]
    assert [fault.path for fault in moving.value.fields] == [("internalNote",)]


@pytest.mark.parametrize("text", ["x" * 501, "a\x00b"])
def test_notes_and_reasons_are_checked(text: str) -> None:
    order_id = ORDER.format(ORDER.new())
    with pytest.raises(InvalidArgument) as cancelling:
        cancellation_from_proto(pb.CancelOrderRequest(order_id=order_id, reason=text))
    with pytest.raises(InvalidArgument) as moving:
        status_update_from_proto(
            pb.UpdateOrderStatusRequest(
                order_id=order_id, status=order_pb2.ORDER_STATUS_SHIPPED, note=text, internal_note=text
            )
        )

    assert [fault.path for fault in cancelling.value.fields] == [("reason",)]
    assert [fault.path for fault in moving.value.fields] == [("note",), ("internalNote",)]


def test_an_order_goes_out_whole() -> None:
    order = placed().order

    message = order_to_proto(order)

    assert message.id == ORDER.format(order.id)
    assert message.status == order_pb2.ORDER_STATUS_PENDING
    assert (message.total.units, message.total.nanos, message.total.currency_code) == (
        1999,
        980_000_000,
        "USD",
    )
    assert message.lines[0].product_id == PRODUCT_ID
    assert message.shipping_address.city == "Zürich"
    assert [change.status for change in message.history] == [order_pb2.ORDER_STATUS_PENDING]


def test_internal_notes_are_for_admin_only() -> None:
    order = placed().order
    order.payment_succeeded(True, FakeClock().now)
    order.ship(FakeClock().now, "by bike", "fragile")

    assert order_to_proto(order).history[-1].internal_note == ""
    assert order_to_proto(order, internal=True).history[-1].internal_note == "fragile"


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_message(status: Status) -> None:
    assert order_pb2.OrderStatus.Value(f"ORDER_STATUS_{status}")


def test_a_placed_order_tells_what_to_charge_and_until_when() -> None:
    fact = placed()
    rows = TOPIC.outbox_rows([fact])
    message = events_pb2.OrderPlaced.FromString(rows.payloads[0])

    assert rows.keys == [ORDER.format(fact.order.id)]
    assert message.payment_method == "pm_card_visa"
    assert message.pay_before.ToDatetime() == fact.pay_before.replace(tzinfo=None)


def test_every_fact_has_its_event() -> None:
    names = {encode.__name__ for encode in TOPIC.encoders}

    assert names == {message.name for message in events_pb2.DESCRIPTOR.message_types_by_name.values()}
