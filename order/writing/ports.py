"""What writes new orders, and what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol
from uuid import UUID

from kit.db import Transaction
from kit.events import context_headers
from order.orders.domain import Order, OrderPlaced
from order.pricing.quote import Quote
from order.writing.domain import AccountLimits, CartVersion


class WriteRequest(Protocol):
    """Whose order it is, and its key: `placing.domain.PlaceOrder`."""

    @property
    def caller_id(self) -> UUID:
        """The account whose key it is."""

    @property
    def request_id(self) -> str:
        """The caller's idempotency key."""

    @property
    def input_hash(self) -> bytes:
        """Identifies the input."""

    @property
    def cart(self) -> CartVersion | None:
        """The cart that is taken with the order."""

    @property
    def guest_network(self) -> str | None:
        """The digest of a guest's network; None for accounts."""


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to write. `headers` are the trace context of its event, because orders of several calls are written together.

    `revision` is that of the rules that it was priced by; `quote` is None where it costs its goods and nothing else.
    `shipping_required`: the buyer had to choose a shipping method.
    """

    event: OrderPlaced
    command: WriteRequest
    revision: int
    quote: Quote | None = None
    shipping_required: bool = False
    headers: str = field(default_factory=context_headers)

    @property
    def needs_amounts(self) -> bool:
        """Whether more than its goods has to be written."""
        return self.quote is not None or self.event.order.billing_address is not None


class Outcome(Enum):
    """The result of writing a new order."""

    WRITTEN = "WRITTEN"
    # An order with this id, or with the caller's idempotency key, exists.
    DUPLICATE = "DUPLICATE"
    TOO_MANY_PENDING = "TOO_MANY_PENDING"
    TOO_MANY_FAILED = "TOO_MANY_FAILED"
    # The rules of prices are not at the order's revision.
    RULES_CHANGED = "RULES_CHANGED"
    # The cart is not open, or not at the command's version.
    CART_CHANGED = "CART_CHANGED"


@dataclass(frozen=True, slots=True)
class ExistingOrder:
    """The order that was placed with an idempotency key, and the hash of its input."""

    order: Order
    input_hash: bytes


class NewOrderStore(Protocol):
    """Writes new orders."""

    async def place(
        self, orders: Sequence[NewOrder], limits: AccountLimits, tx: Transaction | None = None
    ) -> list[Outcome]:
        """Writes orders and their events, each or not, in one statement; returns an outcome per order.

        With a transaction, they are written when it commits.
        """

    async def find_by_key(self, caller_id: UUID, request_id: str) -> ExistingOrder | None:
        """The order that was placed with an idempotency key."""

    async def find_of_cart(self, account_id: UUID, cart_id: UUID, request_id: str) -> Order | None:
        """The order that was placed with a key from an account's cart, also by a guest that was merged into the account."""

    async def take_numbers(self, count: int) -> list[int]:
        """Order numbers that no other call has taken or will take."""
