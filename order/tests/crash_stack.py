"""One database, one catalog and replicas of the service that tests kill."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
from souk.order.v1 import cart_pb2, order_pb2
from souk.order.v1 import cart_service_pb2 as carts
from souk.order.v1 import order_service_pb2 as pb

from kit.auth import Principal
from kit.db import Migrations
from kit.rpc import Call, Server
from kit.testing.contracts import acting_as
from kit.values import PRODUCT
from order.tests.processes import Keys, Proxy, Replica
from order.tests.stubs import StockRpc

KEY = "a-key-of-the-client"
REASON = "a reason of the client"


class SlowStock(StockRpc):
    """A catalog that responds once `may_respond` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.may_respond = asyncio.Event()
        self.may_respond.set()

    async def reserve_stock(self, request: Any, call: Call) -> Any:
        result = await super().reserve_stock(request, call)
        await self.may_respond.wait()
        return result


@dataclass
class Stack:
    """A database, a catalog, and the replicas that a test starts."""

    folder: Path
    url: str
    keys: Keys
    stock: SlowStock
    server: Server
    caller: Principal
    observer: asyncpg.Connection
    proxies: list[Proxy] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)

    async def replica(self, *, proxy: Proxy | None = None, pending_seconds: int = 600) -> Replica:
        parts = urlsplit(self.url)
        url = parts._replace(netloc=f"souk:souk@127.0.0.1:{proxy.port}").geturl() if proxy else self.url
        replica = Replica(
            self.folder,
            database_url=url,
            catalog_port=self.server.port,
            jwks_url=self.keys.url,
            pending_seconds=pending_seconds,
        )
        self.replicas.append(replica)
        return await replica.ready()

    async def proxy(self, trigger: str) -> Proxy:
        """A proxy to PostgreSQL that drops responses once `trigger` was sent."""
        port = urlsplit(self.url).port
        assert port
        proxy = Proxy(port, trigger.encode())
        self.proxies.append(proxy)
        await proxy.open()
        return proxy

    async def place(self, replica: Replica, *, key: str = KEY, quantity: int = 2) -> order_pb2.Order:
        line = pb.PlaceOrderRequest.Line(product_id=PRODUCT.format(PRODUCT.derive("mug")), quantity=quantity)
        request = pb.PlaceOrderRequest(lines=[line], request_id=key)
        with acting_as(self.caller):
            return (await replica.channel.call("PlaceOrder", request, pb.PlaceOrderResponse)).order

    async def cancel(self, replica: Replica, order_id: str) -> order_pb2.Order:
        request = pb.CancelOrderRequest(order_id=order_id, reason=REASON)
        with acting_as(self.caller):
            return (await replica.channel.call("CancelOrder", request, pb.CancelOrderResponse)).order

    async def add_to_cart(self, replica: Replica, *, quantity: int = 2) -> cart_pb2.Cart:
        line = carts.AddToCartRequest.Line(id=PRODUCT.format(PRODUCT.derive("mug")), quantity=quantity)
        request = carts.AddToCartRequest(lines=[line], request_id=PRODUCT.new().hex)
        with acting_as(self.caller):
            return (await replica.carts.call("AddToCart", request, carts.AddToCartResponse)).cart

    async def check_out(self, replica: Replica, cart: cart_pb2.Cart) -> order_pb2.Order:
        request = carts.CheckoutRequest(cart_id=cart.id, version=cart.version, expected_total="19.98")
        with acting_as(self.caller):
            return (await replica.carts.call("Checkout", request, carts.CheckoutResponse)).order

    def reserved(self) -> set[str]:
        """The orders that stock was reserved for."""
        return {request.order_id for request in self.stock.requests if hasattr(request, "order_id")}

    async def rows(self) -> tuple[int, int, int]:
        """The numbers of orders, lines and events."""
        counts = [await self.observer.fetchval(f"SELECT count(*) FROM {t}") for t in TABLES]
        return counts[0], counts[1], counts[2]


TABLES = ("orders", "order_lines", "outbox")


@pytest.fixture
async def stack(database_url: str, tmp_path: Path) -> AsyncIterator[Stack]:
    await Migrations("order").apply(database_url)
    keys, stock = Keys(tmp_path), SlowStock()
    await keys.open()
    server = Server([stock], host="127.0.0.1", port=0)
    await server.start()
    observer = await asyncpg.connect(database_url)
    stack = Stack(tmp_path, database_url, keys, stock, server, keys.customer(), observer)
    yield stack
    stock.may_respond.set()
    for replica in stack.replicas:
        await replica.close()
    for proxy in stack.proxies:
        await proxy.close()
    await observer.close()
    await server.stop(0)
    await keys.close()
