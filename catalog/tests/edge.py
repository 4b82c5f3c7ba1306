"""ProductService on a server in this process, with fakes of all stores."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from souk.catalog.v1 import product_pb2
from souk.catalog.v1 import product_service_pb2 as pb

from catalog.categories.rpc import CategoriesRpc
from catalog.categories.use_cases import Categories
from catalog.products.rpc import ProductsRpc
from catalog.products.tests.fakes import FakeCache, FakeProductStore
from catalog.products.use_cases import Products
from catalog.rpc import ProductServiceRpc
from catalog.search.rpc import SearchRpc
from catalog.search.tests.fakes import FakeIndexReader
from catalog.search.use_cases import ProductSearch
from catalog.stock.rpc import StockRpc
from catalog.stock.tests.fakes import FakeStockStore
from catalog.stock.use_cases import Stock
from kit.auth import Principal
from kit.db.fake import FakeDatabase
from kit.errors import (
    InvalidArgument,
)
from kit.rpc import Channel, Server
from kit.testing import FakeClock
from kit.testing.contracts import acting_as
from kit.testing.principals import FakeAdminVerifier, FakeTokenVerifier, admin, customer
from kit.values import Money, money_to_proto

PRICE = money_to_proto(Money(999, "USD"))
Path = tuple[str | int, ...]


@dataclass
class Edge:
    """Calls to a running server as an admin, as a customer, or anonymously."""

    channel: Channel
    store: FakeProductStore
    stock: FakeStockStore
    search: FakeIndexReader
    admins: FakeAdminVerifier
    clock: FakeClock
    admin: Principal
    customer: Principal

    async def call(self, caller: Principal | None, method: str, **fields: Any) -> Any:
        request, response = (getattr(pb, method + kind) for kind in ("Request", "Response"))
        with acting_as(caller):
            return await self.channel.call(method, request(**fields), response)

    async def create(self, name: str = "Mug", **fields: Any) -> product_pb2.Product:
        fields = {"name": name, "description": "Steel", "price": PRICE, **fields}
        created: product_pb2.Product = (await self.call(self.admin, "CreateProduct", **fields)).product
        self.clock.advance(seconds=1)
        return created

    async def get(self, caller: Principal | None, product_id: str) -> product_pb2.Product:
        product: product_pb2.Product = (await self.call(caller, "GetProduct", product_id=product_id)).product
        return product

    async def violations(self, method: str, **fields: Any) -> list[Path]:
        with pytest.raises(InvalidArgument) as error:
            await self.call(self.admin, method, **fields)
        return [violation.path for violation in error.value.fields]


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    clock, tokens = FakeClock(), FakeTokenVerifier()
    db: Any = FakeDatabase()
    store, search, admins = FakeProductStore(), FakeIndexReader(), FakeAdminVerifier()
    stock = FakeStockStore()
    products = Products(db, store, stock, FakeCache(store), clock=clock)
    servicer = ProductServiceRpc(
        ProductsRpc(products, admins),
        CategoriesRpc(Categories(store)),
        StockRpc(Stock(db, stock, store, clock=clock), admins),
        SearchRpc(ProductSearch(search), products),
    )
    server = Server([servicer], host="127.0.0.1", port=0, verifier=tokens)
    await server.start()
    channel = Channel(f"127.0.0.1:{server.port}", ProductServiceRpc.service)
    await channel.open()
    boss, buyer = tokens.token(admin()), tokens.token(customer())
    yield Edge(channel, store, stock, search, admins, clock, boss, buyer)
    await channel.close()
    await server.stop(0)
