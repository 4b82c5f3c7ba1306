"""PlaceOrderRequest -> command. Validates the input; all errors of a request are reported at once."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from souk.order.v1 import cart_service_pb2 as carts
from souk.order.v1 import order_pb2 as pb
from souk.order.v1 import order_service_pb2 as service

from kit.values import (
    ACCOUNT,
    SHIPPING_METHOD,
    FieldReader,
    SoldId,
    plain_decimal,
    read_id,
    request_fingerprint,
)
from order.addresses.domain import Address
from order.addresses.messages import read_address
from order.orders.domain import Confirmation
from order.orders.messages import require_no_card_number
from order.placing.domain import PlaceOrder

_MAX_LINES = 100
_MAX_QUANTITY = 10_000
_CONFIRMATIONS = {
    pb.PAYMENT_CONFIRMATION_UNSPECIFIED: Confirmation.SERVER,
    pb.PAYMENT_CONFIRMATION_SERVER: Confirmation.SERVER,
    pb.PAYMENT_CONFIRMATION_CLIENT: Confirmation.CLIENT,
}


def command_from_proto(
    request: service.PlaceOrderRequest, caller_id: UUID, default_method: str = ""
) -> PlaceOrder:
    """Raises InvalidArgument with every invalid field.

    The input hash identifies the meaning of a request, not its form: it is the same whether the caller's own account or the default
    payment method is named or left out, and for lines in any order or split.
    """
    reader = FieldReader()
    account_id = read_id(reader, ACCOUNT, request.account_id, "accountId") if request.account_id else None
    quantities, first_lines, by_product = _products(reader, request.lines)
    address = _address(
        reader, request.shipping_address, request.HasField("shipping_address"), "shippingAddress"
    )
    billing = _address(reader, request.billing_address, request.HasField("billing_address"), "billingAddress")
    shipping_method = None
    if request.shipping_method_id:
        shipping_method = read_id(reader, SHIPPING_METHOD, request.shipping_method_id, "shippingMethodId")
    method = reader.not_blank(request.payment_method, "paymentMethod")
    method = reader.text(method, "paymentMethod", max_length=255)
    require_no_card_number(reader, method, "paymentMethod")
    confirmation = read_confirmation(reader, request)
    # The currency's number of decimals is known only once the order is priced.
    expected = plain_decimal(reader.decimal(request.expected_total, "expectedTotal"))
    request_id = reader.text(request.request_id, "idempotencyKey", min_length=1, max_length=255)
    reader.raise_if_invalid()
    lines = list(quantities.items())
    named_method = "" if method == default_method else method
    # What a request of an earlier release could not say is part of the hash only where it is said.
    extras: list[object] = [confirmation] if confirmation is Confirmation.CLIENT else []
    if request.save_method:
        extras.append("save_method")
    if shipping_method or billing:
        extras.append({"shipping_method": shipping_method, "billing_address": billing})
    return PlaceOrder(
        caller_id=caller_id,
        account_id=account_id or caller_id,
        quantities=quantities,
        first_lines=first_lines,
        shipping_address=address,
        payment_method=method,
        expected_total=expected,
        request_id=request_id,
        input_hash=request_fingerprint(
            account_id or caller_id, sorted(lines), address, named_method, expected, *extras
        ),
        legacy_input_hash=request_fingerprint(account_id, lines, address, method, expected, *extras),
        confirmation=confirmation,
        save_method=request.save_method,
        shipping_method_id=shipping_method,
        billing_address=billing,
        by_product=by_product,
    )


def read_confirmation(
    reader: FieldReader, request: service.PlaceOrderRequest | carts.CheckoutRequest
) -> Confirmation:
    """Who confirms the payment; by the buyer's page, only without a payment method."""
    confirmation = _CONFIRMATIONS.get(request.confirmation)
    reader.require(confirmation is not None, "must be SERVER or CLIENT", "confirmation")
    by_page = confirmation is Confirmation.CLIENT
    rule = "must be empty with confirmation CLIENT: the page sends it to the payment provider"
    reader.require(not (by_page and request.payment_method), rule, "paymentMethod")
    return confirmation or Confirmation.SERVER


def _products(
    reader: FieldReader, lines: Sequence[service.PlaceOrderRequest.Line]
) -> tuple[Mapping[UUID, int], tuple[int, ...], frozenset[UUID]]:
    """Units of each variant, added up over its lines, the index of each variant's first line, and those named by their product."""
    reader.require(1 <= len(lines) <= _MAX_LINES, f"must have between 1 and {_MAX_LINES} lines", "products")
    quantities: dict[UUID, int] = {}
    first_lines: dict[UUID, int] = {}
    by_product: set[UUID] = set()
    for index, line in enumerate(lines[:_MAX_LINES]):
        sold = read_id(reader, SoldId, line.product_id, "products", index, "id")
        reader.integer(line.quantity, "products", index, "quantity", minimum=1, maximum=_MAX_QUANTITY)
        if sold is None:
            continue
        total = quantities.get(sold.variant_id, 0) + line.quantity
        if sold.variant_id in quantities:
            rule = f"must not exceed {_MAX_QUANTITY:,} together with the other lines of this product"
            valid = line.quantity > _MAX_QUANTITY or total <= _MAX_QUANTITY
            reader.require(valid, rule, "products", index, "quantity")
        quantities[sold.variant_id] = total
        first_lines.setdefault(sold.variant_id, index)
        if sold.by_product:
            by_product.add(sold.variant_id)
    return quantities, tuple(first_lines.values()), frozenset(by_product)


def _address(reader: FieldReader, address: pb.Address, present: bool, path: str) -> Address | None:
    return read_address(reader, address, path) if present else None
