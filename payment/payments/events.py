"""The events that the payment service publishes: domain events -> messages."""

from google.protobuf.message import Message
from souk.payment.v1 import events_pb2 as pb

from kit.events import AUDIT, Topic
from kit.values import PAYMENT
from payment.payments.domain import PaymentActionRequired, PaymentFailed, PaymentRefunded, PaymentSucceeded
from payment.payments.messages import payment_to_proto, refund_to_proto


def _action_required(event: PaymentActionRequired) -> tuple[str, Message]:
    return PAYMENT.format(event.payment.id), pb.PaymentActionRequired(payment=payment_to_proto(event.payment))


def _succeeded(event: PaymentSucceeded) -> tuple[str, Message]:
    return PAYMENT.format(event.payment.id), pb.PaymentSucceeded(payment=payment_to_proto(event.payment))


def _failed(event: PaymentFailed) -> tuple[str, Message]:
    return PAYMENT.format(event.payment.id), pb.PaymentFailed(payment=payment_to_proto(event.payment))


def _refunded(event: PaymentRefunded) -> tuple[str, Message]:
    message = pb.PaymentRefunded(
        payment=payment_to_proto(event.payment), refund=refund_to_proto(event.refund)
    )
    return PAYMENT.format(event.payment.id), message


TOPIC = Topic(
    "souk.payment.v1",
    {
        PaymentActionRequired: _action_required,
        PaymentSucceeded: _succeeded,
        PaymentFailed: _failed,
        PaymentRefunded: _refunded,
    },
    also=AUDIT,
)
