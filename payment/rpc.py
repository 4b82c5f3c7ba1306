"""The gRPC edge: request -> call -> response."""

from souk.payment.v1 import payment_service_pb2 as pb

from kit.rpc import Call
from kit.values import ORDER, PAYMENT
from payment.messages import payment_to_proto, refund_request_from_proto
from payment.ports import AdminVerifier
from payment.refund_use_cases import Refunds
from payment.use_cases import Payments


class PaymentRpc:
    """souk.payment.v1.PaymentService."""

    service = pb.DESCRIPTOR.services_by_name["PaymentService"]

    def __init__(self, payments: Payments, refunds: Refunds, admins: AdminVerifier) -> None:
        self._payments = payments
        self._refunds = refunds
        self._admins = admins

    async def get_payment(self, request: pb.GetPaymentRequest, call: Call) -> pb.GetPaymentResponse:
        """GetPayment."""
        payment = await self._payments.get(call.require_principal(), PAYMENT.parse(request.payment_id, "id"))
        return pb.GetPaymentResponse(payment=payment_to_proto(payment))

    async def batch_get_payments(
        self, request: pb.BatchGetPaymentsRequest, call: Call
    ) -> pb.BatchGetPaymentsResponse:
        """BatchGetPayments."""
        caller = call.require_principal()
        found = await self._payments.of_orders(caller, ORDER.parse_all(request.order_ids, "order_ids"))
        return pb.BatchGetPaymentsResponse(payments=map(payment_to_proto, found))

    async def refund_payment(self, request: pb.RefundPaymentRequest, call: Call) -> pb.RefundPaymentResponse:
        """RefundPayment."""
        caller = call.require_admin()
        asked = refund_request_from_proto(request)
        await self._admins.require_admin(caller)
        payment = await self._refunds.give_back(caller, asked, address=call.address)
        return pb.RefundPaymentResponse(payment=payment_to_proto(payment))
