"""The command to place an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from order.addresses.domain import Address
from order.orders.domain import Confirmation
from order.writing.domain import CartVersion


@dataclass(frozen=True, slots=True)
class PlaceOrder:
    """A validated request to place an order.

    `quantities` are the units of each variant, in the order of the variants' first lines; `first_lines` are the indexes of those lines
    in the request, which error paths name. `by_product` are the variants that a line named by their product. `request_id` is the caller's
    idempotency key. `input_hash` identifies everything else; `legacy_input_hash` is how earlier releases computed it. `expected_total` is
    the decimal that the buyer saw, or empty.
    `payment_method` is a provider's token; empty means the deployment's default. `cart` is the cart that is ordered, if it is one.
    `guest_network` is the digest of the network of a guest, None for accounts. `note` is that of the cart.
    """

    caller_id: UUID
    account_id: UUID
    quantities: Mapping[UUID, int]
    first_lines: tuple[int, ...]
    shipping_address: Address | None
    payment_method: str
    expected_total: str
    request_id: str
    input_hash: bytes
    legacy_input_hash: bytes = b""
    confirmation: Confirmation = Confirmation.SERVER
    save_method: bool = False
    shipping_method_id: UUID | None = None
    billing_address: Address | None = None
    cart: CartVersion | None = None
    by_product: frozenset[UUID] = frozenset()
    guest_network: str | None = None
    note: str = ""

    @property
    def is_checkout(self) -> bool:
        """Whether a cart is ordered."""
        return self.cart is not None

    def matches(self, input_hash: bytes) -> bool:
        """Whether an order with this hash was placed with the same input."""
        return input_hash in (self.input_hash, self.legacy_input_hash)
