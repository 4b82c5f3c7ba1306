"""Other services' events -> template variables: what the mails about an order, a refund or a link say."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

from souk.order.v1 import order_pb2
from souk.payment.v1 import payment_pb2

from kit.errors import JsonValue
from kit.values import Money, money_from_proto, plain_decimal

# Text for customers; a reason that this release does not know is left out.
_REASONS: Final[Mapping[int, str]] = {
    order_pb2.CANCEL_REASON_CUSTOMER: "You asked us to cancel it.",
    order_pb2.CANCEL_REASON_ADMIN: "We had to cancel it.",
    order_pb2.CANCEL_REASON_PAYMENT_FAILED: "Your payment was declined.",
    order_pb2.CANCEL_REASON_PAYMENT_TIMEOUT: "Your payment did not reach us in time.",
    order_pb2.CANCEL_REASON_RESERVATION_EXPIRED: "Your payment reached us after the products had gone back on sale.",
    order_pb2.CANCEL_REASON_ACCOUNT_DELETED: "Your account was deleted.",
}
# By the failure code of a payment (souk.payment.v1); a code that this release does not know is only called declined.
DECLINES: Final[Mapping[str, str]] = {
    "card_declined": "Your card was declined. Nothing was charged. "
    "Check the number and expiry date of the card, or ask your bank, and order again; you can also use another card.",
    "insufficient_funds": "Your payment was declined because the balance was too low. Nothing was charged. "
    "You can order again with another card.",
    "authentication_required": "Your bank asked for a confirmation of the payment and did not get it. Nothing was charged. "
    "Order again, and confirm the payment when your bank asks you to.",
    "processing_error": "Your payment could not be processed. Nothing was charged. "
    "Order again in a few minutes, or with another card.",
}


def order_context(order: order_pb2.Order) -> dict[str, JsonValue]:
    """Template variables of mails about an order."""
    total = money_from_proto(order.total, "order", "total")
    lines: list[JsonValue] = []
    for line in order.lines:
        price = money_from_proto(line.unit_price, "order", "lines")
        lines.append(
            {
                "name": line.name,
                "options": ", ".join(option.value for option in line.options),
                "quantity": line.quantity,
                "unit_price": price.text(),
                "total": (price * line.quantity).text(),
            }
        )
    reason, note = _REASONS.get(order.cancel_reason, ""), order.history[-1].note if order.history else ""
    declined = order.cancel_reason == order_pb2.CANCEL_REASON_PAYMENT_FAILED
    if declined:
        # The note of a failed payment is a code for programs.
        reason, note = DECLINES.get(note, f"{reason} Nothing was charged. You can order again."), ""
    return {
        "order_id": order.id,
        "order_number": order.number,
        "paid": _was_paid(order),
        "lines": lines,
        "costs": _costs(order),
        "included_taxes": _taxes(order) if order.tax_included else [],
        "total": total.text(),
        "currency": total.currency,
        "reason": reason,
        "nothing_charged": declined,
        "note": note,
        "note_is_customers": order.cancel_reason == order_pb2.CANCEL_REASON_CUSTOMER,
        "address": _address(order),
    }


def _was_paid(order: order_pb2.Order) -> bool:
    """Whether the order was ever paid; one that is cancelled for its expired reservation was, and its payment is refunded."""
    if order.cancel_reason == order_pb2.CANCEL_REASON_RESERVATION_EXPIRED:
        return True
    return any(change.status == order_pb2.ORDER_STATUS_CONFIRMED for change in order.history)


def _costs(order: order_pb2.Order) -> list[JsonValue]:
    """What the total is made of besides the lines, by label; empty if it is their sum and nothing else."""
    if not order.HasField("shipping") and not order.taxes:
        return []
    costs: list[JsonValue] = [_cost("Goods", money_from_proto(order.subtotal))]
    if order.HasField("shipping"):
        price = money_from_proto(order.shipping.total)
        if not order.tax_included:
            price -= money_from_proto(order.shipping.tax)
        costs.append(_cost(f"Delivery ({order.shipping.name})", price))
    return costs + ([] if order.tax_included else _taxes(order))


def _taxes(order: order_pb2.Order) -> list[JsonValue]:
    return [
        _cost(f"{tax.name} {plain_decimal(Decimal(tax.ppm) / 10_000)} %", money_from_proto(tax.amount))
        for tax in order.taxes
    ]


def _cost(label: str, amount: Money) -> JsonValue:
    return {"label": label, "amount": amount.text()}


def _address(order: order_pb2.Order) -> list[JsonValue]:
    """The lines of the shipping address as on a label; empty if the order has no address."""
    if not order.HasField("shipping_address"):
        return []
    address = order.shipping_address
    city = " ".join(filter(None, (address.city, address.region, address.postal_code)))
    return [line for line in (address.name, address.line1, address.line2, city, address.country_code) if line]


def link_context(sealed_token: bytes, expire_time: datetime, now: datetime) -> dict[str, JsonValue]:
    """Template variables of a mail with a link: the token, sealed until the mail is rendered, and how long it is valid."""
    minutes = max(1, round((expire_time - now).total_seconds() / 60))
    return {"sealed_token": sealed_token.decode("ascii"), "lifetime": _duration(minutes)}


def _duration(minutes: int) -> str:
    hours = round(minutes / 60)
    if hours < 2:
        return f"{minutes} minutes" if minutes > 1 else "a minute"
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"


def refund_context(payment: payment_pb2.Payment, refund: payment_pb2.Refund) -> dict[str, JsonValue]:
    """Template variables of a mail about a refund."""
    amount = money_from_proto(refund.amount, "refund", "amount")
    return {
        "order_id": payment.order_id,
        "amount": amount.text(),
        "currency": amount.currency,
    }
