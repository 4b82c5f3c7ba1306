"""New orders -> the parameters of `statement`, in its order."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from kit.db import OutboxEncoder, transpose
from order.addresses.rows import address_to_json
from order.lines.domain import Line
from order.lines.rows import options_to_json, shipping_to_json
from order.pricing.charges import Charge
from order.writing.domain import AccountLimits
from order.writing.ports import NewOrder
from order.writing.statement import place_statement

_SHIPPING_POSITION = -1
_Row = tuple[Any, ...]


def statement_and_arguments(
    orders: Sequence[NewOrder], limits: AccountLimits, publishes: OutboxEncoder
) -> tuple[str, list[Any]]:
    """The statement that writes a batch of orders with different ids, at least one, with its arguments."""
    amounts = any(new.needs_amounts for new in orders)
    carts = any(new.command.cart for new in orders)
    guests = any(new.command.guest_network for new in orders)
    topic, *events = publishes.outbox_rows([new.event for new in orders], [new.headers for new in orders])
    heads = [
        (
            *_head(new),
            *(_amounts(new) if amounts else ()),
            *((new.command.guest_network,) if guests else ()),
            *(_cart(new) if carts else ()),
            new.revision,
        )
        for new in orders
    ]
    lines = [row for new in orders for row in _lines(new, amounts=amounts)]
    arguments = [*transpose(heads, len(heads[0])), *events, *transpose(lines, len(lines[0])), topic]
    arguments += [limits.pending, limits.failed_payments]
    if guests:
        arguments += [limits.guest_pending, limits.guest_network_pending]
        arguments.append(limits.guest_network_failed_payments)
    if amounts:
        arguments += transpose(chain.from_iterable(map(_taxes, orders)), 10)
        arguments += transpose(chain.from_iterable(map(_discounts, orders)), 7)
    return place_statement(amounts=amounts, carts=carts, guests=guests), arguments


def _head(new: NewOrder) -> _Row:
    order = new.event.order
    return (
        order.id,
        order.account_id,
        new.command.caller_id,
        new.command.request_id,
        new.command.input_hash,
        order.total.currency,
        order.total.minor,
        address_to_json(order.shipping_address),
        order.deadline,
        order.create_time,
        order.number,
    )


def _amounts(new: NewOrder) -> _Row:
    order = new.event.order
    shipping = order.amounts.shipping
    return (
        order.amounts.subtotal.minor,
        order.amounts.discount.minor,
        order.amounts.tax.minor,
        order.amounts.tax_included,
        shipping_to_json(shipping),
        shipping.amounts.total.minor if shipping else 0,
        new.shipping_required,
        address_to_json(order.billing_address),
    )


def _cart(new: NewOrder) -> _Row:
    cart = new.command.cart
    return (cart.cart_id, new.event.order.note or None, cart.version) if cart else (None, None, None)


def _lines(new: NewOrder, *, amounts: bool) -> Iterator[_Row]:
    order = new.event.order
    for index, line in enumerate(order.lines):
        row = (
            order.id,
            index,
            line.sold_id,
            line.name,
            line.unit_price.minor,
            line.quantity,
            line.product_id if line.variant_id else None,
            line.sku or None,
            options_to_json(line),
        )
        yield (*row, *_line_amounts(line)) if amounts else row


def _line_amounts(line: Line) -> _Row:
    if line.amounts is None:
        return 0, 0, line.total.minor
    return line.amounts.discount.minor, line.amounts.tax.minor, line.amounts.total.minor


def _charges(new: NewOrder) -> Iterator[tuple[int, Charge]]:
    """The lines and shipping by their positions."""
    if new.quote is None:
        return
    yield from enumerate(new.quote.lines)
    if new.quote.shipping:
        yield _SHIPPING_POSITION, new.quote.shipping


def _taxes(new: NewOrder) -> Iterator[_Row]:
    for position, charge in _charges(new):
        for number, tax in enumerate(charge.taxes):
            rate = tax.rate
            yield (
                new.event.order.id,
                position,
                number,
                rate.name,
                rate.place.country,
                rate.place.region,
                rate.ppm,
                tax.taxable,
                tax.amount,
                rate.reason,
            )


def _discounts(new: NewOrder) -> Iterator[_Row]:
    for position, charge in _charges(new):
        for number, applied in enumerate(charge.discounts):
            discount = applied.discount
            yield (
                new.event.order.id,
                position,
                number,
                discount.promotion_id,
                discount.code,
                discount.name,
                applied.amount,
            )
