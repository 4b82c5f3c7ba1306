"""Under which conditions an order is written."""

import hmac
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CartVersion:
    """A cart as its buyer saw it: the order is only placed while the cart is open and has this version."""

    cart_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """Limits of one account: unpaid orders at a time, failed payments within an hour.

    Guests have lower ones for unpaid orders, and limits for all guests of one network: anyone can start guests.
    """

    pending: int
    failed_payments: int
    guest_pending: int = 2
    guest_network_pending: int = 20
    guest_network_failed_payments: int = 20


def network_key(network: str, secret: str) -> str:
    """What is stored of a guest's network address while its order is unpaid, and for an hour after its payment failed.

    Keyed, because all networks can be tried. Another secret only starts the counts of its orders again.
    """
    return hmac.digest(secret.encode(), network.encode(), "sha256").hex()[:32]
