"""The contract's cart messages <-> the domain. All errors of a request are reported at once."""

from collections.abc import Iterator, Sequence
from typing import Literal
from uuid import UUID

from google.type.money_pb2 import Money as MoneyMessage
from souk.order.v1 import cart_pb2 as pb
from souk.order.v1 import cart_service_pb2 as service

from kit.values import (
    CART,
    CART_LINE,
    SHIPPING_METHOD,
    VARIANT,
    FieldReader,
    Money,
    SoldId,
    money_to_proto,
    read_id,
    request_fingerprint,
    timestamp_to_proto,
)
from order.addresses.messages import address_to_proto, read_address
from order.cart_quotes.domain import CartProblem, CartQuote, CartWarning, QuotedLine
from order.carts.domain import MAX_LINES, MAX_QUANTITY, Addition, CartChange
from order.lines.domain import amounts_of
from order.lines.messages import tax_to_proto
from order.orders.messages import require_no_card_number
from order.pricing.quote import Quote
from order.pricing.rules import MethodKind

_MAX_NOTE_LENGTH = 500
_CHANGES: Sequence[
    Literal["shipping_address", "billing_address", "shipping_method_id", "note", "has_contact"]
] = (
    "shipping_address",
    "billing_address",
    "shipping_method_id",
    "note",
    "has_contact",
)
_PROBLEM = "CART_PROBLEM_CODE_"
_WARNING = "CART_WARNING_CODE_"


def addition_from_proto(request: service.AddToCartRequest) -> Addition:
    """Raises InvalidArgument with every invalid field. The input hash does not depend on the order of the lines."""
    reader = FieldReader()
    reader.require(
        1 <= len(request.lines) <= MAX_LINES, f"must have between 1 and {MAX_LINES} lines", "lines"
    )
    quantities: dict[SoldId, int] = {}
    first_lines: dict[SoldId, int] = {}
    for index, line in enumerate(request.lines[:MAX_LINES]):
        reader.integer(line.quantity, "lines", index, "quantity", minimum=1, maximum=MAX_QUANTITY)
        sold = read_id(reader, SoldId, line.id, "lines", index, "id")
        if sold is None:
            continue
        quantities[sold] = quantities.get(sold, 0) + line.quantity
        rule = f"must not exceed {MAX_QUANTITY:,} together with the other lines of this product"
        is_single = first_lines.setdefault(sold, index) == index
        reader.require(is_single or quantities[sold] <= MAX_QUANTITY, rule, "lines", index, "quantity")
    request_id = reader.text(request.request_id, "idempotencyKey", min_length=1, max_length=255)
    reader.raise_if_invalid()
    return Addition(
        quantities=quantities,
        first_lines=tuple(first_lines.values()),
        request_id=request_id,
        input_hash=request_fingerprint(sorted((sold.format(), n) for sold, n in quantities.items())),
    )


def quantity_from_proto(request: service.SetCartLineRequest) -> tuple[UUID, int]:
    """The line and its new quantity; raises InvalidArgument."""
    reader = FieldReader()
    line_id = read_id(reader, CART_LINE, request.line_id, "id")
    quantity = reader.integer(request.quantity, "quantity", minimum=0, maximum=MAX_QUANTITY)
    reader.raise_if_invalid()
    assert line_id is not None
    return line_id, quantity


def change_from_proto(request: service.UpdateCartRequest) -> CartChange:
    """The fields to set or to clear; raises InvalidArgument."""
    reader = FieldReader()
    names = {name for name in _CHANGES if request.HasField(name)}
    shipping = billing = None
    if request.HasField("shipping_address"):
        shipping = read_address(reader, request.shipping_address, "shippingAddress")
    if request.HasField("billing_address"):
        billing = read_address(reader, request.billing_address, "billingAddress")
    note = reader.text(request.note, "note", max_length=_MAX_NOTE_LENGTH, lines=True)
    require_no_card_number(reader, note, "note")
    method_id = None
    if request.shipping_method_id:
        method_id = read_id(reader, SHIPPING_METHOD, request.shipping_method_id, "shippingMethodId")
    reader.raise_if_invalid()
    if request.clear_shipping_address:
        names.add("shipping_address")
    if request.clear_billing_address:
        names.add("billing_address")
    return CartChange(frozenset(names), shipping, billing, method_id, note, request.has_contact)


def cart_to_proto(quoted: CartQuote) -> pb.Cart:
    """The cart with its prices as they are now."""
    cart, quote = quoted.cart, quoted.quote
    message = pb.Cart(
        id=CART.format(cart.id),
        lines=[_line_to_proto(line) for line in quoted.lines],
        currency=cart.currency,
        shipping_address=address_to_proto(cart.shipping_address),
        billing_address=address_to_proto(cart.billing_address),
        note=cart.note,
        problems=problems_to_proto(quoted.problems),
        warnings=list(_warnings_to_proto(quoted.warnings)),
        version=cart.version,
        update_time=timestamp_to_proto(cart.update_time),
        shipping_method_id=SHIPPING_METHOD.format(cart.shipping_method_id) if cart.shipping_method_id else "",
    )
    if quote:
        _set_amounts(message, quote)
    return message


def problems_to_proto(problems: Sequence[CartProblem]) -> list[pb.CartProblem]:
    """In their order."""
    return [
        pb.CartProblem(code=_PROBLEM + problem.code, path=[str(part) for part in problem.path])
        for problem in problems
    ]


def _set_amounts(message: pb.Cart, quote: Quote) -> None:
    def money(minor: int) -> MoneyMessage:
        return money_to_proto(Money(minor, quote.currency))

    message.subtotal.CopyFrom(money(quote.subtotal))
    message.total.CopyFrom(money(quote.total))
    message.tax_total.CopyFrom(money(quote.tax))
    message.tax_included = quote.tax_included
    message.taxes.extend(map(tax_to_proto, amounts_of(quote).taxes))
    if quote.shipping:
        message.shipping_price.CopyFrom(money(quote.shipping.taxable))
    for offer in quote.offers:
        message.shipping_methods.add(
            method_id=SHIPPING_METHOD.format(offer.method.id),
            name=offer.method.name,
            pickup=offer.method.kind is MethodKind.PICKUP,
            min_days=offer.method.min_days,
            max_days=offer.method.max_days,
            price=None if offer.price is None else money(offer.price),
            reason=offer.reason.value if offer.reason else "",
        )


def _line_to_proto(quoted: QuotedLine) -> pb.CartLine:
    line, variant, charge = quoted.line, quoted.variant, quoted.charge
    return pb.CartLine(
        id=CART_LINE.format(line.id),
        variant_id=VARIANT.format(line.variant_id),
        quantity=line.quantity,
        unit_price=money_to_proto(variant.price) if variant else None,
        seen_price=money_to_proto(line.seen_price),
        total=money_to_proto(Money(charge.total, line.seen_price.currency)) if charge else None,
    )


def _warnings_to_proto(warnings: Sequence[CartWarning]) -> Iterator[pb.CartWarning]:
    for warning in warnings:
        yield pb.CartWarning(
            code=_WARNING + warning.code,
            line_id=CART_LINE.format(warning.line.id) if warning.line else "",
            before=money_to_proto(warning.before) if warning.before else None,
            now=money_to_proto(warning.now) if warning.now else None,
            available=warning.available,
        )
