"""RefundPaymentRequest -> request. Validates the input; all errors are reported at once."""

from souk.payment.v1 import payment_service_pb2 as service

from kit.values import PAYMENT, FieldReader, looks_like_card_number
from payment.refunds.domain import RefundRequest


def refund_request_from_proto(request: service.RefundPaymentRequest) -> RefundRequest:
    """Raises InvalidArgument. The number of decimals is checked later, when the currency is known."""
    reader = FieldReader()
    payment_id = PAYMENT.parse(request.payment_id, "paymentId")
    amount = reader.decimal(request.amount, "amount")
    reason = reader.text(request.reason, "reason", max_length=500)
    reader.require(not looks_like_card_number(reason), "must not hold a card number", "reason")
    key = reader.text(request.request_id, "idempotencyKey", min_length=1, max_length=255)
    reader.raise_if_invalid()
    return RefundRequest(payment_id, amount, reason, key)
