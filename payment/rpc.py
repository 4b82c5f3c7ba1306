"""The gRPC servicer of the payment service: each aggregate serves its own methods."""

from souk.payment.v1 import payment_service_pb2 as pb

from kit.rpc import ComposedServicer


class PaymentServiceRpc(ComposedServicer):
    """souk.payment.v1.PaymentService."""

    service = pb.DESCRIPTOR.services_by_name["PaymentService"]
