"""The gRPC edge: request -> call -> response."""

from souk.payment.v1 import payment_service_pb2 as pb

from kit.errors import InvalidArgument, Violation
from kit.rpc import Call
from kit.values import ORDER, PAYMENT
from payment.messages import payment_to_proto, refund_request_from_proto
from payment.ports import Admins
from payment.use_cases import Payments

_BATCH_MOST = 100


class PaymentRpc:
    """souk.payment.v1.PaymentService."""

    service = pb.DESCRIPTOR.services_by_name["PaymentService"]

    def __init__(self, payments: Payments, admins: Admins) -> None:
        self._payments = payments
        self._admins = admins

    async def get_payment(self, request: pb.GetPaymentRequest, call: Call) -> pb.GetPaymentResponse:
        """GetPayment."""
        payment = await self._payments.get(call.account(), PAYMENT.parse(request.payment_id, "id"))
        return pb.GetPaymentResponse(payment=payment_to_proto(payment))

    async def batch_get_payments(
        self, request: pb.BatchGetPaymentsRequest, call: Call
    ) -> pb.BatchGetPaymentsResponse:
        """BatchGetPayments."""
        caller = call.account()
        if len(request.order_ids) > _BATCH_MOST:
            rule = f"must name at most {_BATCH_MOST}"
            raise InvalidArgument(f"order_ids: {rule}", fields=[Violation(("order_ids",), rule)])
        ids = [ORDER.parse(text, "order_ids", at) for at, text in enumerate(request.order_ids)]
        found = await self._payments.of_orders(caller, ids)
        return pb.BatchGetPaymentsResponse(payments=map(payment_to_proto, found))

    async def refund_payment(self, request: pb.RefundPaymentRequest, call: Call) -> pb.RefundPaymentResponse:
        """RefundPayment."""
        caller = call.admin()
        asked = refund_request_from_proto(request)
        await self._admins.confirm(caller)
        payment = await self._payments.give_back(caller, asked, address=call.address)
        return pb.RefundPaymentResponse(payment=payment_to_proto(payment))
