"""The gRPC method that refunds a payment."""

from souk.payment.v1 import payment_service_pb2 as pb

from kit.auth import AdminVerifier
from kit.rpc import Call
from payment.payments.messages import payment_to_proto
from payment.refunds.messages import refund_request_from_proto
from payment.refunds.use_cases import Refunds


class RefundsRpc:
    """RefundPayment."""

    def __init__(self, refunds: Refunds, admins: AdminVerifier) -> None:
        self._refunds = refunds
        self._admins = admins

    async def refund_payment(self, request: pb.RefundPaymentRequest, call: Call) -> pb.RefundPaymentResponse:
        """For an ADMIN."""
        caller = call.require_admin()
        refund_request = refund_request_from_proto(request)
        await self._admins.require_admin(caller)
        payment = await self._refunds.refund_payment(caller, refund_request, address=call.address)
        return pb.RefundPaymentResponse(payment=payment_to_proto(payment))
