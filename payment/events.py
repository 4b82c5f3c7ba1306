"""What the payment service publishes: facts -> messages, one table."""

from google.protobuf.message import Message
from souk.payment.v1 import events_pb2 as pb

from kit.events import AUDIT, Topic
from kit.values import PAYMENT
from payment.domain import PaymentFailed, PaymentRefunded, PaymentSucceeded
from payment.messages import payment_to_proto, refund_to_proto


def _succeeded(fact: PaymentSucceeded) -> tuple[str, Message]:
    return PAYMENT.format(fact.payment.id), pb.PaymentSucceeded(payment=payment_to_proto(fact.payment))


def _failed(fact: PaymentFailed) -> tuple[str, Message]:
    return PAYMENT.format(fact.payment.id), pb.PaymentFailed(payment=payment_to_proto(fact.payment))


def _refunded(fact: PaymentRefunded) -> tuple[str, Message]:
    message = pb.PaymentRefunded(payment=payment_to_proto(fact.payment), refund=refund_to_proto(fact.refund))
    return PAYMENT.format(fact.payment.id), message


TOPIC = Topic(
    "souk.payment.v1",
    {PaymentSucceeded: _succeeded, PaymentFailed: _failed, PaymentRefunded: _refunded},
    also=AUDIT,
)
