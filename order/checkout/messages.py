"""CheckoutRequest -> command. All errors of a request are reported at once."""

from souk.order.v1 import cart_service_pb2 as service

from kit.values import CART, FieldReader, plain_decimal, read_id
from order.checkout.domain import CheckOut
from order.orders.messages import require_no_card_number
from order.placing.messages import read_confirmation

_MAX_VERSION = 2**31 - 1


def command_from_proto(request: service.CheckoutRequest) -> CheckOut:
    """Raises InvalidArgument with every invalid field."""
    reader = FieldReader()
    cart_id = read_id(reader, CART, request.cart_id, "cartId")
    version = reader.integer(request.version, "version", minimum=1, maximum=_MAX_VERSION)
    expected = reader.decimal(request.expected_total, "expectedTotal")
    reader.require(bool(request.expected_total), "is required", "expectedTotal")
    method = reader.not_blank(request.payment_method, "paymentMethod")
    method = reader.text(method, "paymentMethod", max_length=255)
    require_no_card_number(reader, method, "paymentMethod")
    confirmation = read_confirmation(reader, request)
    reader.raise_if_invalid()
    assert cart_id is not None
    return CheckOut(cart_id, version, plain_decimal(expected), method, confirmation, request.save_method)
