"""The gRPC method that starts a payment."""

from souk.payment.v1 import payment_service_pb2 as pb

from kit.rpc import Call
from kit.values import ORDER
from payment.page.use_cases import PaymentStart
from payment.reading.messages import PaymentView


class PageRpc:
    """StartPayment."""

    def __init__(self, payments: PaymentStart, view: PaymentView) -> None:
        self._payments = payments
        self._view = view

    async def start_payment(self, request: pb.StartPaymentRequest, call: Call) -> pb.StartPaymentResponse:
        """For the owner of the order."""
        caller = call.require_principal()
        payment = await self._payments.start(caller, ORDER.parse(request.order_id, "orderId"))
        return pb.StartPaymentResponse(payment=self._view.show(payment, caller))
