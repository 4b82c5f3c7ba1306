"""Clients of the five services: GraphQL values in, gRPC call, GraphQL values out.

Deadlines and retries are data beside the contracts. Nothing is decided here; a service's error reaches the client unchanged.
"""

from dataclasses import dataclass

from gateway.peers.account import Accounts
from gateway.peers.catalog import Catalog
from gateway.peers.notification import Notifications
from gateway.peers.order import Orders
from gateway.peers.payment import Payments


@dataclass(frozen=True, slots=True)
class Peers:
    """All five."""

    account: Accounts
    catalog: Catalog
    order: Orders
    payment: Payments
    notification: Notifications


__all__ = ["Accounts", "Catalog", "Notifications", "Orders", "Payments", "Peers"]
