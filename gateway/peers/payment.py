"""The payment service."""

from collections.abc import Mapping, Sequence

import strawberry
from souk.payment.v1 import payment_pb2 as payment
from souk.payment.v1 import payment_service_pb2 as pb

from gateway.types.payment import Payment, PaymentStatus, Refund, RefundStatus
from kit.graphql import Amount
from kit.graphql.conversions import amount, currency, instant, text_or_none
from kit.identity import Identity
from kit.rpc import Peer


class Payments(Peer):
    """Payments."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["PaymentService"], identity)

    async def get(self, payment_id: str) -> Payment:
        """GetPayment."""
        request = pb.GetPaymentRequest(payment_id=payment_id)
        return _payment((await self._call("GetPayment", request, pb.GetPaymentResponse)).payment)

    async def batch_get(self, order_ids: Sequence[str]) -> Mapping[str, Payment]:
        """BatchGetPayments, by order."""
        request = pb.BatchGetPaymentsRequest(order_ids=order_ids)
        response = await self._call("BatchGetPayments", request, pb.BatchGetPaymentsResponse)
        return {message.order_id: _payment(message) for message in response.payments}

    async def start(self, order_id: str) -> Payment:
        """StartPayment."""
        request = pb.StartPaymentRequest(order_id=order_id)
        return _payment((await self._call("StartPayment", request, pb.StartPaymentResponse)).payment)

    async def refund(self, payment_id: str, amount_: Amount | None, reason: str | None, key: str) -> Payment:
        """RefundPayment."""
        request = pb.RefundPaymentRequest(
            payment_id=payment_id, amount=amount_ or "", reason=reason or "", request_id=key
        )
        return _payment((await self._call("RefundPayment", request, pb.RefundPaymentResponse)).payment)


def _payment(message: payment.Payment) -> Payment:
    return Payment(
        id=strawberry.ID(message.id),
        order_id=strawberry.ID(message.order_id),
        amount=amount(message.amount),
        refunded_amount=amount(message.refunded),
        currency=currency(message.amount),
        status=PaymentStatus[payment.PaymentStatus.Name(message.status).removeprefix("PAYMENT_STATUS_")],
        failure_code=text_or_none(message.failure_code),
        next_action_url=text_or_none(message.next_action_url),
        client_secret=text_or_none(message.client_secret),
        pay_before=instant(message.pay_before),
        refunds=[_refund(refund) for refund in message.refunds],
        created_at=instant(message.create_time),
        updated_at=instant(message.update_time),
    )


def _refund(message: payment.Refund) -> Refund:
    return Refund(
        id=strawberry.ID(message.id),
        amount=amount(message.amount),
        status=RefundStatus[payment.RefundStatus.Name(message.status).removeprefix("REFUND_STATUS_")],
        reason=text_or_none(message.reason),
        created_at=instant(message.create_time),
    )
