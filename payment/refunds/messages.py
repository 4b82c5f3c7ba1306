"""RefundPaymentRequest -> request. Validates the input; all errors are reported at once."""

import re
from decimal import Decimal

from souk.payment.v1 import payment_service_pb2 as service

from kit.values import PAYMENT, FieldReader, looks_like_card_number
from payment.refunds.domain import RefundRequest

_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6}0{0,40})?")


def refund_request_from_proto(request: service.RefundPaymentRequest) -> RefundRequest:
    """Raises InvalidArgument. The number of decimals is checked later, when the currency is known."""
    reader = FieldReader()
    payment_id = PAYMENT.parse(request.payment_id, "paymentId")
    valid = not request.amount or _DECIMAL.fullmatch(request.amount) is not None
    reader.require(valid, "must be a decimal number, such as 10.00", "amount")
    reason = reader.text(request.reason, "reason", max_length=500)
    reader.require(not looks_like_card_number(reason), "must not hold a card number", "reason")
    key = reader.text(request.request_id, "idempotencyKey", min_length=1, max_length=255)
    reader.raise_if_invalid()
    return RefundRequest(payment_id, Decimal(request.amount) if request.amount else None, reason, key)
