"""Carts.

    OPEN -> ORDERED -> OPEN, when the order ends unpaid
    OPEN -> MERGED   its lines moved to another cart
    OPEN -> EXPIRED  not changed for too long

A cart stores what is wanted, and of prices only those that were seen when a line was added. Not here: current prices and what they mean for
a cart (`cart_quotes`), rows (`store`), stock, which a cart does not hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from uuid import UUID

from kit.values import Money, SoldId
from order.addresses.domain import Address

MAX_LINES = 100
MAX_QUANTITY = 10_000
# For how long a cart is kept after it was ordered, merged or expired.
ENDED_LIFETIME = timedelta(days=30)


class CartState(StrEnum):
    """The state of a cart."""

    OPEN = "OPEN"
    ORDERED = "ORDERED"
    MERGED = "MERGED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class CartLine:
    """A variant that is wanted, and its unit price when it was last added."""

    id: UUID
    variant_id: UUID
    quantity: int
    seen_price: Money


@dataclass(frozen=True, slots=True)
class Cart:
    """A cart. `currency` is that of its lines, empty without lines; `has_contact`: mails can reach its guest,
    whose token may not say so yet.

    `rules_revision` is that of the shop's rules when the cart was read. `leaves_lines_out`: a cart was merged into this one, and lines of
    it stayed there, because of another currency or of the limit of lines.
    """

    id: UUID
    account_id: UUID
    state: CartState
    currency: str
    lines: tuple[CartLine, ...]
    has_contact: bool
    shipping_address: Address | None
    billing_address: Address | None
    shipping_method_id: UUID | None
    note: str
    version: int
    update_time: datetime
    rules_revision: int
    leaves_lines_out: bool = False


@dataclass(frozen=True, slots=True)
class CartHead:
    """A locked cart without its lines."""

    id: UUID
    account_id: UUID
    currency: str


class Unsellable(Enum):
    """Why nothing can be bought under an id."""

    UNKNOWN = "UNKNOWN"
    # A product with options, which is sold by its variants.
    HAS_OPTIONS = "HAS_OPTIONS"


@dataclass(frozen=True, slots=True)
class Sellable:
    """A variant as the catalog sells it now. `free` is None when stock is not tracked, `max_per_order` without a limit."""

    product_id: UUID
    variant_id: UUID
    name: str
    price: Money
    tax_class: str = "standard"
    weight_grams: int = 0
    requires_shipping: bool = True
    max_per_order: int | None = None
    free: int | None = None


@dataclass(frozen=True, slots=True)
class Addition:
    """A validated request to add units. `quantities` are by product or variant, `first_lines` the indexes of their first lines.

    `request_id` is the caller's idempotency key, `input_hash` identifies everything else.
    """

    quantities: Mapping[SoldId, int]
    first_lines: tuple[int, ...]
    request_id: str
    input_hash: bytes


@dataclass(frozen=True, slots=True)
class NewLine:
    """A line to add: the variant, the units, and the unit price that was seen."""

    variant_id: UUID
    quantity: int
    price: Money


@dataclass(frozen=True, slots=True)
class CartChange:
    """Values to set; a field that is not in `names` stays as it is."""

    names: frozenset[str]
    shipping_address: Address | None = None
    billing_address: Address | None = None
    shipping_method_id: UUID | None = None
    note: str = ""
    has_contact: bool = False


@dataclass(frozen=True, slots=True)
class CartLifetimes:
    """How long a cart is kept after its last change: an account's and a guest's."""

    account: timedelta
    guest: timedelta

    def of_open(self, now: datetime, *, is_guest: bool) -> datetime:
        """When a cart that changes now expires."""
        return _end_of_day(now + (self.guest if is_guest else self.account))


def ended_expire_time(now: datetime) -> datetime:
    """When a cart that is ordered or merged now is deleted, or one that is reopened now expires."""
    return _end_of_day(now + ENDED_LIFETIME)


def _end_of_day(time: datetime) -> datetime:
    """Whole days, so that most changes of a cart do not change an index."""
    return (time + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
