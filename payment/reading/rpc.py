"""The gRPC methods that read payments."""

from souk.payment.v1 import payment_service_pb2 as pb

from kit.rpc import Call
from kit.values import ORDER, PAYMENT
from payment.reading.messages import PaymentView
from payment.reading.use_cases import Payments


class PaymentsRpc:
    """GetPayment and BatchGetPayments."""

    def __init__(self, payments: Payments, view: PaymentView) -> None:
        self._payments = payments
        self._view = view

    async def get_payment(self, request: pb.GetPaymentRequest, call: Call) -> pb.GetPaymentResponse:
        """For the owner or an ADMIN."""
        caller = call.require_principal()
        payment = await self._payments.get(caller, PAYMENT.parse(request.payment_id, "id"))
        return pb.GetPaymentResponse(payment=self._view.show(payment, caller))

    async def batch_get_payments(
        self, request: pb.BatchGetPaymentsRequest, call: Call
    ) -> pb.BatchGetPaymentsResponse:
        """The payments of orders; for the owner or an ADMIN."""
        caller, order_ids = call.require_principal(), ORDER.parse_all(request.order_ids, "order_ids")
        payments = await self._payments.find_by_orders(caller, order_ids)
        return pb.BatchGetPaymentsResponse(
            payments=[self._view.show(payment, caller) for payment in payments]
        )
