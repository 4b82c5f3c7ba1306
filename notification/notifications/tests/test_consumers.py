"""What every event of orders and payments leads to, with fakes: which notification, to which account."""

from typing import Any

import pytest
from souk.account.v1 import events_pb2 as account
from souk.order.v1 import events_pb2 as order
from souk.order.v1 import order_pb2
from souk.payment.v1 import events_pb2 as payment

from kit.errors import InvalidArgument
from kit.values import ACCOUNT, ORDER, PAYMENT, REFUND, Money, money_to_proto
from notification.notifications.tests.handling import ORDERED, OWNER, Service, john, ordered, summary


@pytest.mark.parametrize(
    ("event_type", "template"),
    [
        (order.OrderPlaced, "order_placed"),
        (order.OrderConfirmed, "order_confirmed"),
        (order.OrderCancelled, "order_cancelled"),
        (order.OrderShipped, "shipped"),
        (order.OrderDelivered, "delivered"),
    ],
)
async def test_every_status_of_an_order_is_mailed_to_its_account_once(event_type: Any, template: str) -> None:
    service = Service()
    await service.handle(event_type(order=ordered()))
    assert summary(await service.handle(event_type(order=ordered(version=7)))) == [(template, OWNER, ORDERED)]


@pytest.mark.parametrize(
    ("included", "sentences"),
    [
        (False, ["Goods: $19.98", "Delivery (post): $5.00", "sales tax 8.25 %: $2.06", "Total: $19.98"]),
        (True, ["Goods: $19.98", "Delivery (post): $5.41", "Including sales tax 8.25 %: $2.06"]),
    ],
)
async def test_a_mail_shows_what_the_total_is_made_of(included: bool, sentences: list[str]) -> None:
    def usd(minor: int) -> Any:
        return money_to_proto(Money(minor, "USD"))

    amounts = {
        "subtotal": usd(1998),
        "tax_included": included,
        "shipping": order_pb2.OrderShipping(name="post", tax=usd(41), total=usd(541)),
        "taxes": [order_pb2.OrderTax(name="sales tax", ppm=82_500, amount=usd(206))],
    }
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    await service.handle(order.OrderConfirmed(order=ordered(**amounts)))

    text = await service.text()
    assert [sentence for sentence in sentences if sentence not in text] == []
    assert ("Including" in text) == included


async def test_a_mail_of_an_order_without_tax_and_shipping_shows_the_total_only() -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    await service.handle(order.OrderConfirmed(order=ordered()))

    assert "Goods" not in await service.text()


async def test_a_confirmation_has_the_orders_id_and_lines() -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    await service.handle(order.OrderConfirmed(order=ordered()))

    text = await service.text()
    assert ORDER.format(ORDERED) in text
    assert "2 x Mug, $9.99 each: $19.98" in text
    assert "Total: $19.98" in text


async def test_a_line_names_its_variant() -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    options = [
        order_pb2.OptionValue(name="Colour", value="Sand"),
        order_pb2.OptionValue(name="Size", value="40"),
    ]
    confirmed = ordered()
    confirmed.lines[0].options.extend(options)
    await service.handle(order.OrderConfirmed(order=confirmed))

    assert "2 x Mug (Sand, 40), $9.99 each: $19.98" in await service.text()


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        (order_pb2.CANCEL_REASON_CUSTOMER, "You asked us to cancel it."),
        (order_pb2.CANCEL_REASON_PAYMENT_FAILED, "Your payment was declined."),
        (order_pb2.CANCEL_REASON_PAYMENT_TIMEOUT, "Your payment did not reach us in time."),
    ],
)
async def test_a_cancellation_states_its_reason(reason: order_pb2.CancelReason, sentence: str) -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    await service.handle(order.OrderCancelled(order=ordered(cancel_reason=reason)))

    assert sentence in await service.text()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("card_declined", "Your card was declined. Nothing was charged."),
        (
            "insufficient_funds",
            "Your payment was declined because the balance was too low. Nothing was charged.",
        ),
        ("authentication_required", "Order again, and confirm the payment when your bank asks you to."),
        ("processing_error", "Your payment could not be processed. Nothing was charged."),
        ("a_new_code", "Your payment was declined. Nothing was charged. You can order again."),
    ],
)
async def test_a_failed_payment_is_explained_in_words(code: str, sentence: str) -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    history = [order_pb2.OrderStatusChange(), order_pb2.OrderStatusChange(note=code)]
    failed = ordered(history=history, cancel_reason=order_pb2.CANCEL_REASON_PAYMENT_FAILED)
    await service.handle(order.OrderCancelled(order=failed))

    text = await service.text()
    assert sentence in text
    assert code not in text
    assert "refunded" not in text


_HISTORY = [
    order_pb2.OrderStatusChange(note="earlier"),
    order_pb2.OrderStatusChange(note="Parcel 1234567890123"),
]


@pytest.mark.parametrize("event_type", [order.OrderShipped, order.OrderDelivered, order.OrderCancelled])
async def test_a_mail_has_the_note_of_the_last_status_change(event_type: Any) -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    await service.handle(event_type(order=ordered(history=_HISTORY)))

    text = await service.text()
    assert "Parcel 1234567890123" in text
    assert "earlier" not in text


async def test_the_shipping_address_is_in_the_mail_as_on_a_label() -> None:
    service = Service()
    await service.handle(account.AccountUpdated(account=john()))
    address = order_pb2.Address(
        name="Ann Lee", line1="1 Market Street", city="Springfield", postal_code="62701", country_code="US"
    )
    await service.handle(order.OrderShipped(order=ordered(shipping_address=address)))

    label = "Delivery address:\n  Ann Lee\n  1 Market Street\n  Springfield 62701\n  US\n"
    assert label in await service.text()


async def test_every_reason_of_a_cancellation_has_a_sentence() -> None:
    for reason in order_pb2.CancelReason.values():
        service = Service()
        [notification] = await service.handle(order.OrderCancelled(order=ordered(cancel_reason=reason)))
        assert bool(notification.context["reason"]) == (reason != order_pb2.CANCEL_REASON_UNSPECIFIED)


async def test_every_refund_has_its_own_mail() -> None:
    service = Service()
    paid = {"id": PAYMENT.format(PAYMENT.new()), "order_id": ORDER.format(ORDERED)}
    for _ in range(2):
        event = payment.PaymentRefunded(
            payment={**paid, "account_id": ACCOUNT.format(OWNER)},
            refund={"id": REFUND.format(REFUND.new()), "amount": money_to_proto(Money(500, "USD"))},
        )
        notifications = await service.handle(event)

    assert summary(notifications) == [("refunded", OWNER, ORDERED)] * 2
    context = notifications[0].context
    assert (context["amount"], context["currency"]) == ("5.00", "USD")


async def test_an_event_with_an_invalid_id_is_rejected() -> None:
    with pytest.raises(InvalidArgument):
        await Service().handle(order.OrderConfirmed(order=order_pb2.Order(id="7")))
