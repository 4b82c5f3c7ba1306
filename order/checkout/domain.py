"""The command to order a cart."""

from dataclasses import dataclass
from uuid import UUID

from kit.values import CART, request_fingerprint
from order.orders.domain import Confirmation

# Keys of clients hold no control characters, so none of them can be the key of a checkout.
_MARK = "\x01"


@dataclass(frozen=True, slots=True)
class CheckOut:
    """A validated request to order a cart as its buyer saw it: at a version, for a total.

    `payment_method` is a provider's token; empty means the deployment's default.
    """

    cart_id: UUID
    version: int
    expected_total: str
    payment_method: str = ""
    confirmation: Confirmation = Confirmation.SERVER
    save_method: bool = False

    @property
    def request_id(self) -> str:
        """The idempotency key of the order."""
        return f"{_MARK}{CART.format(self.cart_id)}:{self.version}"

    @property
    def input_hash(self) -> bytes:
        """Of the key alone: a repeated checkout returns its order, whatever else the request says."""
        return request_fingerprint(self.request_id)
