"""The contract's messages <-> this service's values, for rpc and events. The rules of inputs are here; nothing is decided."""

import re
from decimal import Decimal

from souk.payment.v1 import payment_pb2 as pb
from souk.payment.v1 import payment_service_pb2 as service

from kit.values import (
    ACCOUNT,
    ORDER,
    PAYMENT,
    REFUND,
    FieldReader,
    looks_like_card_number,
    money_to_proto,
    timestamp_to_proto,
)
from payment.domain import Payment, PaymentStatus
from payment.ports import RefundRequest
from payment.refund_domain import Refund

_DECIMAL = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6}0{0,40})?")


def refund_request_from_proto(request: service.RefundPaymentRequest) -> RefundRequest:
    """Reads what is to go back; raises InvalidArgument with every fault. Whether the currency has so many decimals is not known yet."""
    given = FieldReader()
    payment_id = PAYMENT.parse(request.payment_id, "paymentId")
    fine = not request.amount or _DECIMAL.fullmatch(request.amount) is not None
    given.require(fine, "must be a decimal number, such as 10.00", "amount")
    reason = given.text(request.reason, "reason", max_length=500)
    given.require(not looks_like_card_number(reason), "must not hold a card number", "reason")
    key = given.text(request.request_id, "idempotencyKey", min_length=1, max_length=255)
    given.raise_if_invalid()
    return RefundRequest(payment_id, Decimal(request.amount) if request.amount else None, reason, key)


def payment_to_proto(payment: Payment) -> pb.Payment:
    """A payment as others see it."""
    return pb.Payment(
        id=PAYMENT.format(payment.id),
        order_id=ORDER.format(payment.order_id),
        account_id=ACCOUNT.format(payment.account_id),
        amount=money_to_proto(payment.amount),
        refunded=money_to_proto(payment.refunded),
        status="PAYMENT_STATUS_" + _status(payment),
        # While the intent of a declined payment is being ended, the payment is not FAILED yet.
        failure_code=payment.failure_code if payment.status is PaymentStatus.FAILED else "",
        next_action_url=payment.next_action_url,
        refunds=map(refund_to_proto, payment.refunds),
        create_time=timestamp_to_proto(payment.create_time),
        update_time=timestamp_to_proto(payment.update_time),
    )


def refund_to_proto(refund: Refund) -> pb.Refund:
    """Money on its way back."""
    return pb.Refund(
        id=REFUND.format(refund.id),
        amount=money_to_proto(refund.amount),
        status="REFUND_STATUS_" + refund.status,
        reason=refund.reason,
        create_time=timestamp_to_proto(refund.create_time),
    )


def _status(payment: Payment) -> str:
    """What went back shows in the status."""
    if not payment.refunded.minor:
        return payment.status
    return "REFUNDED" if payment.refunded == payment.captured else "PARTIALLY_REFUNDED"
