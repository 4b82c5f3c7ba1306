"""The gRPC servicer of the payment service: each aggregate serves its own methods."""

from souk.payment.v1 import payment_service_pb2 as pb

from payment.payments.rpc import PaymentsRpc
from payment.refunds.rpc import RefundsRpc


class PaymentRpc:
    """souk.payment.v1.PaymentService."""

    service = pb.DESCRIPTOR.services_by_name["PaymentService"]

    def __init__(self, payments: PaymentsRpc, refunds: RefundsRpc) -> None:
        self.get_payment = payments.get_payment
        self.batch_get_payments = payments.batch_get_payments
        self.refund_payment = refunds.refund_payment
