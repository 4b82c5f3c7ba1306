"""Validation of changes to an order, and the messages and events of orders."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from souk.order.v1 import events_pb2, order_pb2
from souk.order.v1 import order_service_pb2 as pb

from kit.errors import InvalidArgument
from kit.testing import FakeClock
from kit.values import ORDER, PRODUCT, Money
from order.addresses.domain import Address
from order.lines.domain import Line
from order.orders.domain import Confirmation, Order, OrderPlaced, Schedule, Status
from order.orders.events import TOPIC
from order.orders.messages import cancellation_from_proto, order_to_proto, status_update_from_proto

PRODUCT_ID = PRODUCT.format(PRODUCT.new())


def placed() -> OrderPlaced:
    now = FakeClock().now
    schedule = Schedule.of(now, timedelta(minutes=10), now + timedelta(hours=1))
    address = Address("John Doe", "Bahnhofstrasse 1", "", "Zürich", "", "", "CH")
    lines = [Line(PRODUCT.parse(PRODUCT_ID), "Laptop", Money(99_999, "USD"), 2)]
    return Order.place(uuid4(), 1042, uuid4(), lines, address, "pm_card_visa", schedule, now)


@pytest.mark.parametrize(
    "number", ["4242424242424242", "JD01 4600 0000 0000 0000 01", "00340434161094021501"]
)
def test_the_note_may_contain_a_tracking_number(number: str) -> None:
    order_id = ORDER.format(ORDER.new())
    shipped = pb.UpdateOrderStatusRequest(
        order_id=order_id, status=order_pb2.ORDER_STATUS_SHIPPED, note=f"DHL {number}"
    )
    assert status_update_from_proto(shipped)[2] == f"DHL {number}"


def test_card_numbers_are_rejected_in_reasons_and_internal_notes() -> None:
    order_id, card = ORDER.format(ORDER.new()), "back to my card 4242424242424242, please"
    with pytest.raises(InvalidArgument) as cancellation:
        cancellation_from_proto(pb.CancelOrderRequest(order_id=order_id, reason=card))
    with pytest.raises(InvalidArgument) as update:
        status_update_from_proto(
            pb.UpdateOrderStatusRequest(
                order_id=order_id, status=order_pb2.ORDER_STATUS_SHIPPED, internal_note=card
            )
        )
    assert [fault.path for fault in cancellation.value.fields] == [("reason",)]
    assert [fault.path for fault in update.value.fields] == [("internalNote",)]


@pytest.mark.parametrize("text", ["x" * 501, "a\x00b"])
def test_notes_and_reasons_are_validated(text: str) -> None:
    order_id = ORDER.format(ORDER.new())
    with pytest.raises(InvalidArgument) as cancellation:
        cancellation_from_proto(pb.CancelOrderRequest(order_id=order_id, reason=text))
    with pytest.raises(InvalidArgument) as update:
        status_update_from_proto(
            pb.UpdateOrderStatusRequest(
                order_id=order_id, status=order_pb2.ORDER_STATUS_SHIPPED, note=text, internal_note=text
            )
        )

    assert [fault.path for fault in cancellation.value.fields] == [("reason",)]
    assert [fault.path for fault in update.value.fields] == [("note",), ("internalNote",)]


def test_the_buyers_note_is_in_the_message_and_not_in_events() -> None:
    event = placed()
    event.order.note = "Ring twice"

    _, message = TOPIC.encoders[OrderPlaced](event)

    assert order_to_proto(event.order).note == "Ring twice"
    assert isinstance(message, events_pb2.OrderPlaced)
    assert message.order.note == ""


def test_the_message_of_an_order_is_complete() -> None:
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


def test_internal_notes_are_only_for_admins() -> None:
    order = placed().order
    order.payment_succeeded(True, FakeClock().now)
    order.ship(FakeClock().now, "by bike", "fragile")

    assert order_to_proto(order).history[-1].internal_note == ""
    assert order_to_proto(order, internal=True).history[-1].internal_note == "fragile"


@pytest.mark.parametrize("status", Status)
def test_every_status_exists_in_the_contract(status: Status) -> None:
    assert order_pb2.OrderStatus.Value(f"ORDER_STATUS_{status}")


def test_order_placed_carries_the_payment_method_and_its_deadline() -> None:
    event = placed()
    rows = TOPIC.outbox_rows([event])
    message = events_pb2.OrderPlaced.FromString(rows.payloads[0])

    assert rows.keys == [ORDER.format(event.order.id)]
    assert message.payment_method == "pm_card_visa"
    assert message.pay_before.ToDatetime() == event.pay_before.replace(tzinfo=None)
    assert message.confirmation == order_pb2.PAYMENT_CONFIRMATION_SERVER


def test_order_placed_says_when_the_page_confirms_the_payment() -> None:
    rows = TOPIC.outbox_rows([replace(placed(), confirmation=Confirmation.CLIENT, save_method=True)])
    message = events_pb2.OrderPlaced.FromString(rows.payloads[0])
    assert message.save_method
    assert message.confirmation == order_pb2.PAYMENT_CONFIRMATION_CLIENT


def test_a_cancellation_says_whether_a_guest_placed_the_order() -> None:
    for by_guest in (True, False):
        order = replace(placed().order, placed_by_guest=by_guest)
        event = order.expire(order.deadline)
        assert event
        rows = TOPIC.outbox_rows([event])
        assert events_pb2.OrderCancelled.FromString(rows.payloads[0]).placed_by_guest is by_guest


def test_every_event_of_the_contract_is_published() -> None:
    names = {encode.__name__ for encode in TOPIC.encoders}

    assert names == {message.name for message in events_pb2.DESCRIPTOR.message_types_by_name.values()}
