"""Payments and refunds -> the contract's messages, for RPCs and events."""

from souk.payment.v1 import payment_pb2 as pb

from kit.values import ACCOUNT, ORDER, PAYMENT, REFUND, money_to_proto, timestamp_to_proto
from payment.payments.domain import Payment
from payment.payments.refund import Refund
from payment.payments.status import PaymentStatus


def payment_to_proto(payment: Payment, client_secret: str = "") -> pb.Payment:
    """A payment with its refunds. `client_secret` is for the owner only: events and other callers get none."""
    return pb.Payment(
        id=PAYMENT.format(payment.id),
        order_id=ORDER.format(payment.order_id),
        account_id=ACCOUNT.format(payment.account_id),
        amount=money_to_proto(payment.amount),
        refunded=money_to_proto(payment.refunded),
        status="PAYMENT_STATUS_" + _status(payment),
        failure_code=_failure_code(payment),
        next_action_url=payment.next_action_url,
        refunds=map(refund_to_proto, payment.refunds),
        create_time=timestamp_to_proto(payment.create_time),
        update_time=timestamp_to_proto(payment.update_time),
        client_secret=client_secret,
        pay_before=timestamp_to_proto(payment.pay_before),
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


def _failure_code(payment: Payment) -> str:
    """A declined payment is FAILED only once its intent is cancelled, unless the buyer's page may follow it with another card."""
    shown = payment.status is PaymentStatus.FAILED or payment.is_confirmed_by_page
    return payment.failure_code if shown else ""


def _status(payment: Payment) -> str:
    """The contract has statuses of their own for refunded payments."""
    if not payment.refunded.minor:
        return payment.status
    return "REFUNDED" if payment.refunded == payment.captured else "PARTIALLY_REFUNDED"
