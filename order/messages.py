"""The contract's order messages <-> the domain, for every edge. The rules of inputs are here, each checked once; nothing is decided.

Faults name the public API's paths (products.0.quantity, shippingAddress.city), all of one input at once.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import orjson
from souk.order.v1 import order_pb2 as pb
from souk.order.v1 import order_service_pb2 as service

from kit.errors import InvalidArgument
from kit.values import (
    ACCOUNT,
    ORDER,
    PRODUCT,
    FieldReader,
    IdKind,
    looks_like_card_number,
    money_to_proto,
    timestamp_from_proto,
    timestamp_to_proto,
)
from order.domain import Address, Order, Purchase, Status, Wanted
from order.ports import OrderFilter

_MAX_LINES = 100
_MAX_QUANTITY = 10_000
_ADDRESS_LINE = 100
_NOTE = 500
_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6}0{0,40})?")
_STATUS = "ORDER_STATUS_"
_REASON = "CANCEL_REASON_"
_MOVES = {pb.ORDER_STATUS_SHIPPED: Status.SHIPPED, pb.ORDER_STATUS_DELIVERED: Status.DELIVERED}


def purchase_from_proto(
    request: service.PlaceOrderRequest, caller_id: UUID, default_method: str = ""
) -> Purchase:
    """Reads and checks a new order; raises InvalidArgument with every fault.

    Its hash says what was meant, not how it was written: one's own account may be named or not, lines may stand in any order and be
    split, and the deployment's payment method may be named or not.
    """
    given = FieldReader()
    account_id = _id(given, ACCOUNT, request.account_id, "accountId") if request.account_id else None
    wanted = _wanted(given, request.lines)
    address = _address(given, request.shipping_address) if request.HasField("shipping_address") else None
    method = given.not_blank(request.payment_method, "paymentMethod")
    method = given.text(method, "paymentMethod", max_length=255)
    _no_card(given, method, "paymentMethod")
    expected = _decimal(given, request.expected_total, "expectedTotal")
    request_id = given.text(request.request_id, "idempotencyKey", min_length=1, max_length=255)
    given.raise_if_invalid()
    lines = [(each.product_id, each.quantity) for each in wanted]
    named_method = "" if method == default_method else method
    return Purchase(
        account_id=account_id,
        wanted=wanted,
        shipping_address=address,
        payment_method=method,
        expected_total=expected,
        request_id=request_id,
        input_hash=_digest(account_id or caller_id, sorted(lines), address, named_method, expected),
        written_hash=_digest(account_id, lines, address, method, expected),
    )


def filter_from_proto(request: service.ListOrdersRequest, account_id: UUID | None) -> OrderFilter:
    """Reads which orders are listed, whose they are was decided before; raises InvalidArgument with every fault."""
    given = FieldReader()
    known = {number: Status(name.removeprefix(_STATUS)) for name, number in pb.OrderStatus.items() if number}
    asked = request.status_filter.values if request.HasField("status_filter") else request.statuses or None
    given.require(set(asked or ()) <= known.keys(), "must be known statuses", "filter", "statuses")
    after = _instant(given, request, "created_after", "createdAfter")
    before = _instant(given, request, "created_before", "createdBefore")
    given.raise_if_invalid()
    statuses = None if asked is None else tuple(known[each] for each in sorted(set(asked)))
    return OrderFilter(account_id, statuses, after, before)


def cancellation_from_proto(request: service.CancelOrderRequest) -> tuple[UUID, str]:
    """Reads which order ends, and the text that its customer sees; raises InvalidArgument with every fault."""
    given = FieldReader()
    order_id = _id(given, ORDER, request.order_id, "id")
    text = given.text(request.reason, "reason", max_length=_NOTE)
    _no_card(given, text, "reason")
    given.raise_if_invalid()
    assert order_id is not None
    return order_id, text


def move_from_proto(request: service.UpdateOrderStatusRequest) -> tuple[UUID, Status, str, str]:
    """Reads which order went where, its note and its internal note; raises InvalidArgument with every fault."""
    given = FieldReader()
    order_id = _id(given, ORDER, request.order_id, "id")
    status = _MOVES.get(request.status)
    given.require(status is not None, "must be SHIPPED or DELIVERED", "status")
    # Parcel numbers stand in the note, and are as long as cards'.
    note = given.text(request.note, "note", max_length=_NOTE)
    internal_note = given.text(request.internal_note, "internalNote", max_length=_NOTE)
    _no_card(given, internal_note, "internalNote")
    given.raise_if_invalid()
    assert order_id is not None
    assert status is not None
    return order_id, status, note, internal_note


def order_to_proto(order: Order, *, internal: bool = False) -> pb.Order:
    """An order as others see it; `internal` shows the notes that are for ADMIN."""
    return pb.Order(
        id=ORDER.format(order.id),
        account_id=ACCOUNT.format(order.account_id),
        lines=[
            pb.OrderLine(
                product_id=PRODUCT.format(line.product_id),
                name=line.name,
                unit_price=money_to_proto(line.unit_price),
                quantity=line.quantity,
            )
            for line in order.lines
        ],
        total=money_to_proto(order.total),
        refunded=money_to_proto(order.refunded),
        status=_STATUS + order.status,
        cancel_reason=_REASON + (order.cancel_reason or "UNSPECIFIED"),
        status_reason=order.status_reason,
        history=[
            pb.OrderStatusChange(
                status=_STATUS + change.status,
                time=timestamp_to_proto(change.time),
                note=change.note,
                internal_note=change.internal_note if internal else "",
            )
            for change in order.history
        ],
        shipping_address=_address_to_proto(order.shipping_address),
        version=order.version,
        create_time=timestamp_to_proto(order.create_time),
        update_time=timestamp_to_proto(order.update_time),
    )


def _wanted(given: FieldReader, lines: Sequence[service.PlaceOrderRequest.Line]) -> tuple[Wanted, ...]:
    """The lines, each product once with its quantities added up, in the order of their first mention."""
    given.require(1 <= len(lines) <= _MAX_LINES, f"must have between 1 and {_MAX_LINES} lines", "products")
    wanted: dict[UUID | None, Wanted] = {}
    for at, line in enumerate(lines[:_MAX_LINES]):
        product_id = _id(given, PRODUCT, line.product_id, "products", at, "id")
        given.integer(line.quantity, "products", at, "quantity", minimum=1, maximum=_MAX_QUANTITY)
        if product_id in wanted:
            earlier = wanted[product_id]
            total = earlier.quantity + line.quantity
            rule = f"must not exceed {_MAX_QUANTITY:,} together with the other lines of this product"
            given.require(
                line.quantity > _MAX_QUANTITY or total <= _MAX_QUANTITY, rule, "products", at, "quantity"
            )
            wanted[product_id] = replace(earlier, quantity=total)
        elif product_id is not None:
            wanted[product_id] = Wanted(product_id, line.quantity, at)
    return tuple(wanted.values())


def _address(given: FieldReader, address: pb.Address) -> Address:
    def part(value: str, name: str, least: int = 0) -> str:
        return given.name(value, "shippingAddress", name, min_length=least, max_length=_ADDRESS_LINE)

    return Address(
        name=part(address.name, "name", 1),
        line1=part(address.line1, "line1", 1),
        line2=part(address.line2, "line2"),
        city=part(address.city, "city", 1),
        region=part(address.region, "region"),
        postal_code=part(address.postal_code, "postalCode"),
        country_code=given.country(address.country_code, "shippingAddress", "countryCode"),
    )


def _address_to_proto(address: Address | None) -> pb.Address | None:
    return pb.Address(**asdict(address)) if address else None


def _no_card(given: FieldReader, value: str, *path: str) -> None:
    """For what people paste cards into."""
    given.require(not looks_like_card_number(value), "must not contain a card number", *path)


def _decimal(given: FieldReader, text: str, *path: str) -> str:
    """A plain decimal without needless zeros, or empty; how many decimals its currency has is known only once it is priced."""
    if not text:
        return ""
    fine = _DECIMAL.fullmatch(text) is not None
    given.require(fine, "must be a decimal number of at most 15 digits and 6 decimals, such as 999.99", *path)
    return f"{Decimal(text).normalize():f}" if fine else ""


def _instant(
    given: FieldReader, request: service.ListOrdersRequest, field: str, name: str
) -> datetime | None:
    """An optional instant, which a Timestamp may put beyond what calendars hold."""
    if not request.HasField(field):
        return None
    try:
        return timestamp_from_proto(getattr(request, field))
    except (ValueError, OverflowError):
        given.violations.add(("filter", name), "must be an instant between the years 1 and 9999")
        return None


def _id(given: FieldReader, kind: IdKind, text: str, *path: str | int) -> UUID | None:
    """Like `kind.parse`, but a fault is collected with the others."""
    try:
        return kind.parse(text, *path)
    except InvalidArgument as error:
        for fault in error.fields:
            given.violations.add(fault.path, fault.message)
        return None


def _digest(*parts: object) -> bytes:
    return hashlib.blake2b(orjson.dumps(parts), digest_size=16).digest()
