"""Under which conditions an order is written."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CartVersion:
    """A cart as its buyer saw it: the order is only placed while the cart is open and has this version."""

    cart_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Limits of one account: unpaid orders at a time, failed payments within an hour."""

    pending: int
    failed_payments: int
