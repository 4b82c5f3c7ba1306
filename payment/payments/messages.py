"""Payments and refunds -> the contract's messages, for RPCs and events."""

from souk.payment.v1 import payment_pb2 as pb

from kit.values import ACCOUNT, ORDER, PAYMENT, REFUND, money_to_proto, timestamp_to_proto
from payment.payments.domain import Payment, PaymentStatus
from payment.payments.refund import Refund


def payment_to_proto(payment: Payment) -> pb.Payment:
    """A payment with its refunds."""
    return pb.Payment(
        id=PAYMENT.format(payment.id),
        order_id=ORDER.format(payment.order_id),
        account_id=ACCOUNT.format(payment.account_id),
        amount=money_to_proto(payment.amount),
        refunded=money_to_proto(payment.refunded),
        status="PAYMENT_STATUS_" + _status(payment),
        # A declined payment is FAILED only once its intent is cancelled.
        failure_code=payment.failure_code if payment.status is PaymentStatus.FAILED else "",
        next_action_url=payment.next_action_url,
        refunds=map(refund_to_proto, payment.refunds),
        create_time=timestamp_to_proto(payment.create_time),
        update_time=timestamp_to_proto(payment.update_time),
    )


def refund_to_proto(refund: Refund) -> pb.Refund:
    """A refund."""
    return pb.Refund(
        id=REFUND.format(refund.id),
        amount=money_to_proto(refund.amount),
        status="REFUND_STATUS_" + refund.status,
        reason=refund.reason,
        create_time=timestamp_to_proto(refund.create_time),
    )


def _status(payment: Payment) -> str:
    """The contract has statuses of their own for refunded payments."""
    if not payment.refunded.minor:
        return payment.status
    return "REFUNDED" if payment.refunded == payment.captured else "PARTIALLY_REFUNDED"
