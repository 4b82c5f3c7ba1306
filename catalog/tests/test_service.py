"""The whole service on PostgreSQL, Kafka, Elasticsearch and Redis, with a fake account service and published order events."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import pytest
from souk.catalog.v1 import product_pb2
from souk.catalog.v1 import product_service_pb2 as pb
from souk.catalog.v1 import stock_service_pb2 as stock_pb
from souk.catalog.v1 import variant_service_pb2 as variant_pb
from souk.order.v1 import events_pb2 as order

from catalog.app import build
from catalog.rpc import ProductServiceRpc, StockServiceRpc, VariantServiceRpc
from catalog.settings import Settings
from kit.auth import Principal
from kit.errors import FailedPrecondition, InvalidArgument
from kit.events import Topic
from kit.rpc import Channel, Server
from kit.settings import load
from kit.testing import Elasticsearch, Kafka, Redis, eventually, free_port
from kit.testing.contracts import FakeAccountService, acting_as
from kit.testing.fixtures import database_url, elasticsearch, kafka, postgres, redis
from kit.testing.principals import FakeTokenVerifier, admin
from kit.testing.records import event_types, publish, wait_for_records
from kit.testing.running_service import running_service
from kit.values import ORDER, Money, money_to_proto

__all__ = ["database_url", "elasticsearch", "kafka", "postgres", "redis"]

ORDERS = Topic("souk.order.v1", {order.OrderCancelled: lambda event: (event.order.id, event)})


@dataclass
class Running:
    """Clients of the running service, and the topics around it."""

    products: Channel
    stock: Channel
    variants: Channel
    admin: Principal
    bootstrap: str
    settings: Settings

    async def call(self, method: str, **fields: Any) -> Any:
        request, response = (getattr(pb, method + kind) for kind in ("Request", "Response"))
        with acting_as(self.admin):
            return await self.products.call(method, request(**fields), response)

    async def declare(self, product_id: str, **stock: int) -> None:
        """Sizes with their stock."""
        size, price = product_pb2.ProductOption(name="Size", values=stock), money_to_proto(Money(999, "USD"))
        variants = [
            variant_pb.SetVariantsRequest.Declared(
                options=[{"name": "Size", "value": name}], price=price, stock=free
            )
            for name, free in stock.items()
        ]
        request = variant_pb.SetVariantsRequest(product_id=product_id, options=[size], variants=variants)
        with acting_as(self.admin):
            await self.variants.call("SetVariants", request, variant_pb.SetVariantsResponse)

    async def variant_ids(self, product_id: str) -> list[str]:
        request = variant_pb.ListVariantsRequest(product_id=product_id)
        page = await self.variants.call("ListVariants", request, variant_pb.ListVariantsResponse)
        return [entry.variant.id for entry in page.entries]

    async def create(self, name: str = "", **fields: Any) -> product_pb2.Product:
        price = money_to_proto(Money(999, "USD"))
        fields = {"name": name or word(), "description": "Steel", "price": price, **fields}
        product: product_pb2.Product = (await self.call("CreateProduct", **fields)).product
        return product

    async def names(self, query: str, **fields: Any) -> list[str]:
        hits = (await self.call("SearchProducts", query=query, **fields)).hits
        return [hit.product.name for hit in hits]

    async def wait_for_names(self, expected: list[str], query: str, **fields: Any) -> None:
        """Waits until a search returns these names."""

        async def matches() -> bool:
            return await self.names(query, **fields) == expected

        await eventually(matches, seconds=30)

    async def reserve(self, product_id: str, quantity: int) -> str:
        order_id = ORDER.format(ORDER.new())
        lines = [stock_pb.ReserveStockRequest.Line(product_id=product_id, quantity=quantity)]
        request = stock_pb.ReserveStockRequest(order_id=order_id, lines=lines)
        await self.stock.call("ReserveStock", request, stock_pb.ReserveStockResponse)
        return order_id

    async def commit(self, order_id: str) -> int:
        request = stock_pb.CommitStockRequest(order_id=order_id)
        response = await self.stock.call("CommitStock", request, stock_pb.CommitStockResponse)
        state: int = response.state
        return state

    async def free(self, product_id: str) -> int:
        product: product_pb2.Product = (await self.call("GetProduct", product_id=product_id)).product
        return product.stock

    async def wait_for_free(self, product_id: str, count: int) -> None:
        """Waits until the free stock has this value."""

        async def reached() -> bool:
            return await self.free(product_id) == count

        await eventually(reached, seconds=30)

    async def publish(self, *events: Any, times: int = 1) -> None:
        """Publishes order events, each this number of times."""
        await publish(self.bootstrap, ORDERS, events, times=times)

    async def published(self, key: str, count: int) -> list[str]:
        """Waits for this number of events of a product; returns the types of all of them."""
        return event_types(
            await wait_for_records(
                self.bootstrap, "souk.catalog.v1", count, lambda record: record.key == key.encode()
            )
        )


def word() -> str:
    """A unique word: tests share the index."""
    return uuid4().hex


@pytest.fixture
async def running(
    database_url: str, kafka: Kafka, elasticsearch: Elasticsearch, redis: Redis
) -> AsyncIterator[Running]:
    accounts, tokens = Server([FakeAccountService()], host="127.0.0.1", port=0), FakeTokenVerifier()
    await accounts.start()
    environment = {
        "PROFILE": "development",
        "HTTP_PORT": str(free_port()),
        "GRPC_PORT": str(free_port()),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis.url(),
        "ELASTICSEARCH_URL": elasticsearch.url(),
        "ACCOUNT_ADDRESS": f"127.0.0.1:{accounts.port}",
        "KAFKA_BOOTSTRAP": kafka.bootstrap(),
        "RESERVATION_SECONDS": "5",
        "SWEEP_SECONDS": "0.2",
    }
    settings = load(Settings, environment)
    service = replace(build(settings), verifier=tokens)
    address = f"127.0.0.1:{settings.grpc_port}"
    channels = [
        Channel(address, rpc.service) for rpc in (ProductServiceRpc, StockServiceRpc, VariantServiceRpc)
    ]
    for channel in channels:
        await channel.open()
    async with running_service(service, database_url, kafka):
        products, stock, variants = channels
        yield Running(products, stock, variants, tokens.token(admin()), kafka.bootstrap(), settings)
    for channel in channels:
        await channel.close()
    await accounts.stop(0)


async def test_a_product_is_published_and_found_until_it_is_deleted(running: Running) -> None:
    name, other = word(), word()
    product = await running.create(name)
    await running.wait_for_names([name], name)

    await running.call("UpdateProduct", product_id=product.id, name=other)
    await running.wait_for_names([other], other)
    assert await running.names(name) == []

    await running.call("DeleteProduct", product_id=product.id)
    await running.wait_for_names([], other)
    assert await running.published(product.id, 3) == ["ProductCreated", "ProductUpdated", "ProductDeleted"]


async def test_a_change_is_visible_to_reads_by_id_at_once(running: Running) -> None:
    product_id = (await running.create()).id

    for version in range(2, 6):
        name = word()
        await running.call("UpdateProduct", product_id=product_id, name=name)
        product = (await running.call("GetProduct", product_id=product_id)).product
        assert (product.name, product.version) == (name, version)


async def test_a_repeated_cancellation_returns_stock_once(running: Running) -> None:
    mug = (await running.create(stock=5)).id
    sold = await running.reserve(mug, 2)
    assert await running.commit(sold) == stock_pb.RESERVATION_STATE_COMMITTED
    assert await running.free(mug) == 3

    await running.publish(order.OrderCancelled(order={"id": sold}), times=2)
    await running.publish(order.OrderCancelled(order={"id": sold}))

    await running.wait_for_free(mug, 5)
    assert await running.commit(sold) == stock_pb.RESERVATION_STATE_RETURNED
    later = await running.reserve(mug, 1)
    await running.publish(order.OrderCancelled(order={"id": later}))
    await running.wait_for_free(mug, 5)


async def test_expired_reservations_make_stock_available_to_others(running: Running) -> None:
    mug = (await running.create(stock=2)).id
    late = await running.reserve(mug, 2)
    with pytest.raises(FailedPrecondition):
        await running.reserve(mug, 1)

    await running.wait_for_free(mug, 2)

    assert await running.commit(late) == stock_pb.RESERVATION_STATE_RELEASED
    await running.commit(await running.reserve(mug, 2))


async def test_a_sold_out_product_is_searched_as_unavailable_until_it_is_restocked(running: Running) -> None:
    product = await running.create(stock=1)
    await running.wait_for_names([product.name], product.name, available=True)

    sold = await running.reserve(product.id, 1)
    await running.commit(sold)
    await running.wait_for_names([product.name], product.name, available=False)
    await running.publish(order.OrderCancelled(order={"id": sold}))
    await running.wait_for_names([product.name], product.name, available=True)


async def test_searches_see_stock_changes_by_an_admin(running: Running) -> None:
    mug = await running.create(stock=5)
    await running.wait_for_names([mug.name], mug.name, available=True)

    taken = await running.call("AdjustStock", product_id=mug.id, delta=-5, request_id=word())
    assert (taken.product.stock, taken.product.available) == (0, False)
    await running.wait_for_names([mug.name], mug.name, available=False)

    await running.call("SetStock", product_id=mug.id, expected=0)
    await running.wait_for_names([mug.name], mug.name, available=True)


async def test_a_command_rebuilds_the_index_while_the_service_runs(running: Running) -> None:
    mug = await running.create()
    await running.wait_for_names([mug.name], mug.name)
    other = build(running.settings)
    for resource in other.resources:
        await resource.open()

    rebuilding = asyncio.ensure_future(other.commands["reindex"]([]))
    created = await running.create()
    while not rebuilding.done():
        assert await running.names(mug.name) == [mug.name]
    await rebuilding

    await running.wait_for_names([created.name], created.name)
    assert await running.names(mug.name) == [mug.name]
    after = await running.create()
    await running.wait_for_names([after.name], after.name)
    for resource in other.resources:
        await resource.close()


async def test_a_variant_that_sells_out_is_not_found_by_its_options_while_its_sibling_is(
    running: Running,
) -> None:
    shirt = await running.create()
    await running.declare(shirt.id, S=1, M=5)
    small, medium = await running.variant_ids(shirt.id)
    sizes = {size: [{"name": "size", "values": [size]}] for size in "SM"}
    await running.wait_for_names([shirt.name], shirt.name, options=sizes["S"])

    await running.commit(await running.reserve(small, 1))

    await running.wait_for_names([], shirt.name, options=sizes["S"])
    assert await running.names(shirt.name, options=sizes["M"], available=True) == [shirt.name]
    assert await running.free(shirt.id) == 5
    with pytest.raises(FailedPrecondition):
        await running.reserve(small, 1)
    with pytest.raises(InvalidArgument) as error:
        await running.reserve(shirt.id, 1)
    assert error.value.reason == "VARIANT_REQUIRED"
    await running.commit(await running.reserve(medium, 5))
    await running.wait_for_names([], shirt.name, available=True)
    assert await running.published(shirt.id, 4) == [
        "ProductCreated",
        "ProductUpdated",
        "ProductAvailabilityChanged",
        "ProductAvailabilityChanged",
    ]
