"""All fake services on one server in this process: what the gateway's peers call in tests."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from gateway.peers import (
    Accounts,
    Addresses,
    Carts,
    Catalog,
    Guests,
    Notifications,
    Orders,
    Payments,
    Peers,
    SavedMethods,
    ShippingRules,
    TaxRules,
    Variants,
)
from gateway.tests.fakes.account import AccountRpc
from gateway.tests.fakes.address import AddressRpc
from gateway.tests.fakes.cart import CartRpc
from gateway.tests.fakes.catalog import ProductRpc
from gateway.tests.fakes.guest import GuestRpc
from gateway.tests.fakes.notification import NotificationRpc
from gateway.tests.fakes.order import OrderRpc
from gateway.tests.fakes.payment import PaymentRpc
from gateway.tests.fakes.recorder import Recorder
from gateway.tests.fakes.rules import ShippingRpc, TaxRpc
from gateway.tests.fakes.saved_method import SavedMethodRpc
from gateway.tests.fakes.variants import VariantRpc
from kit.rpc import Server
from kit.testing.principals import FakeTokenVerifier

SERVICES: list[Callable[[Recorder], Any]] = [
    AccountRpc,
    AddressRpc,
    GuestRpc,
    ProductRpc,
    OrderRpc,
    PaymentRpc,
    SavedMethodRpc,
    NotificationRpc,
    TaxRpc,
    ShippingRpc,
    VariantRpc,
    CartRpc,
]


@asynccontextmanager
async def standing_in(servicers: Sequence[Any], tokens: FakeTokenVerifier) -> AsyncIterator[Peers]:
    """The gateway's peers, all of them one server of these."""
    server = Server(servicers, host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    address = f"127.0.0.1:{server.port}"
    peers = Peers(
        account=Accounts(address),
        catalog=Catalog(address),
        order=Orders(address),
        payment=Payments(address),
        notification=Notifications(address),
        address=Addresses(address),
        guest=Guests(address),
        saved_method=SavedMethods(address),
        tax=TaxRules(address),
        shipping=ShippingRules(address, publishable_key="pk_test_1"),
        variant=Variants(address),
        cart=Carts(address),
    )
    for peer in peers.all():
        await peer.open()
    yield peers
    for peer in peers.all():
        await peer.close()
    await server.stop(0)
