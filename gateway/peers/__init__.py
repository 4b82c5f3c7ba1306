"""The five services as the schema sees them: GraphQL values in, gRPC, GraphQL values out.

Deadlines and retries are data beside the contracts. Nothing is decided here; what a service refuses passes as it comes.
"""

from dataclasses import dataclass

from gateway.peers.account import Accounts
from gateway.peers.catalog import Catalog
from gateway.peers.notification import Notifications
from gateway.peers.order import Orders
from gateway.peers.payment import Payments


@dataclass(frozen=True, slots=True)
class Peers:
    """All of them."""

    account: Accounts
    catalog: Catalog
    order: Orders
    payment: Payments
    notification: Notifications


__all__ = ["Accounts", "Catalog", "Notifications", "Orders", "Payments", "Peers"]
