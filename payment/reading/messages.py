"""A payment as one caller sees it."""

from souk.payment.v1 import payment_pb2 as pb

from kit.auth import Principal, Sealer
from kit.telemetry import get_logger
from kit.values import PAYMENT
from payment.payments.domain import Payment
from payment.payments.messages import payment_to_proto

log = get_logger(__name__)


class PaymentView:
    """Adds the client secret for the account that pays, and for no other caller."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def show(self, payment: Payment, caller: Principal) -> pb.Payment:
        """The message for a caller who may see the payment."""
        is_owner = caller.account_id == payment.account_id
        return payment_to_proto(payment, self._client_secret(payment) if is_owner else "")

    def _client_secret(self, payment: Payment) -> str:
        if not payment.client_secret:
            return ""
        try:
            return self._sealer.unseal(payment.client_secret)
        except ValueError:
            # The key was replaced. The next poll of the intent stores the secret again.
            log.warning("payment.secret_unreadable", payment_id=PAYMENT.format(payment.id))
            return ""
