"""A fake of the payment service, as its contract says."""

from typing import Any

from souk.payment.v1 import payment_pb2
from souk.payment.v1 import payment_service_pb2 as payment

from gateway.tests.fakes.recorder import NOW, Recorder
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer
from kit.values import Money, money_to_proto


class PaymentRpc(UnimplementedServicer):
    service = payment.DESCRIPTOR.services_by_name["PaymentService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record

    async def get_payment(self, request: Any, call: Call) -> payment.GetPaymentResponse:
        self._record("GetPayment", request, call)
        return payment.GetPaymentResponse(payment=self._one("ord_1"))

    async def batch_get_payments(self, request: Any, call: Call) -> payment.BatchGetPaymentsResponse:
        self._record("BatchGetPayments", request, call)
        return payment.BatchGetPaymentsResponse(payments=map(self._one, request.order_ids))

    async def start_payment(self, request: Any, call: Call) -> payment.StartPaymentResponse:
        self._record("StartPayment", request, call)
        started = self._one(request.order_id)
        started.status = payment_pb2.PAYMENT_STATUS_REQUIRES_ACTION
        started.client_secret = "pi_1_secret_2"
        return payment.StartPaymentResponse(payment=started)

    async def refund_payment(self, request: Any, call: Call) -> payment.RefundPaymentResponse:
        self._record("RefundPayment", request, call)
        return payment.RefundPaymentResponse(payment=self._one("ord_1"))

    def _one(self, order_id: str) -> payment_pb2.Payment:
        return payment_pb2.Payment(
            id=f"pay_{order_id}",
            order_id=order_id,
            amount=money_to_proto(Money(1998, "USD")),
            refunded=money_to_proto(Money(500, "USD")),
            status=payment_pb2.PAYMENT_STATUS_PARTIALLY_REFUNDED,
            create_time=NOW,
            update_time=NOW,
            pay_before=NOW,
        )
