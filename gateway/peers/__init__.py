"""One client for each service of the contracts that the API offers: GraphQL values in, gRPC call, GraphQL values out.

Deadlines and retries are data beside the contracts. Nothing is decided here; a service's error reaches the client unchanged.
"""

from dataclasses import dataclass, fields

from gateway.peers.account import Accounts
from gateway.peers.address import Addresses
from gateway.peers.cart import Carts
from gateway.peers.catalog import Catalog
from gateway.peers.guest import Guests
from gateway.peers.notification import Notifications
from gateway.peers.order import Orders
from gateway.peers.payment import Payments
from gateway.peers.saved_method import SavedMethods
from gateway.peers.shipping import ShippingRules
from gateway.peers.tax import TaxRules
from gateway.peers.variants import Variants
from kit.rpc import Peer


@dataclass(frozen=True, slots=True)
class Peers:
    """The clients."""

    account: Accounts
    catalog: Catalog
    order: Orders
    payment: Payments
    notification: Notifications
    address: Addresses
    guest: Guests
    saved_method: SavedMethods
    tax: TaxRules
    shipping: ShippingRules
    variant: Variants
    cart: Carts

    def all(self) -> list[Peer]:
        """Every client, to be opened and closed."""
        return [getattr(self, field.name) for field in fields(self)]


__all__ = [
    "Accounts",
    "Addresses",
    "Carts",
    "Catalog",
    "Guests",
    "Notifications",
    "Orders",
    "Payments",
    "Peers",
    "SavedMethods",
    "ShippingRules",
    "TaxRules",
    "Variants",
]
