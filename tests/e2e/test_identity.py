"""Mutual TLS between services and with Kafka: the journey, rejected callers, and new certificates under traffic."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError
from souk.account.v1 import account_service_pb2
from souk.catalog.v1 import product_service_pb2, stock_service_pb2
from souk.notification.v1 import notification_service_pb2
from souk.order.v1 import order_service_pb2
from souk.payment.v1 import payment_service_pb2

from dev.ports import SERVICES, Ports
from kit.events.broker import broker_config
from kit.testing.certificates import Authority, Mount
from tests.e2e.secured import SecuredStack
from tests.e2e.shop import Person, Shop
from tests.e2e.stack import state_folder

CONTRACTS: dict[str, ServiceDescriptor] = {
    service.name: service
    for contract in (
        account_service_pb2,
        notification_service_pb2,
        order_service_pb2,
        payment_service_pb2,
        product_service_pb2,
        stock_service_pb2,
    )
    for service in contract.DESCRIPTOR.services_by_name.values()
}
# The allowed callers of each contract's first RPC, as in the services' app.py.
ALLOWED = {name: {"order"} if name == "StockService" else {"gateway"} for name in CONTRACTS}
HOUR = timedelta(hours=1)
_PRODUCTS = 4


@pytest.fixture(scope="module")
def stack() -> Iterator[SecuredStack]:
    with state_folder() as state:
        stack = SecuredStack(state, Ports.free(), products=_PRODUCTS)
        stack.start()
        yield stack
        stack.stop()


@pytest.fixture
async def shop(stack: SecuredStack) -> AsyncIterator[Shop]:
    ports = stack.ports
    gateway, mails, stripe = (
        f"http://127.0.0.1:{port}" for port in (ports.gateway, ports.mail_web, ports.stripe)
    )
    async with Shop(gateway, mails=mails, stripe=stripe) as shop:
        yield shop


@pytest.fixture
async def admin(shop: Shop) -> Person:
    return await shop.admin()


@pytest.fixture
def client_files(stack: SecuredStack, tmp_path: Path) -> Callable[..., Mount]:
    """Makes the files of a client that trusts our authority; by default its certificate is signed by it, too."""

    def make(name: str, signed_by: Authority | None = None, **valid: timedelta) -> Mount:
        mount = Mount(tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}")
        (signed_by or stack.authority).issue(mount, name, **valid)
        files = {path.name: path.read_bytes() for path in (mount.chain, mount.key)}
        mount.write(files | {"ca.crt": stack.authority.certificate.read_bytes()})
        return mount

    return make


async def status_of_call(stack: SecuredStack, contract: str, mount: Mount | None) -> grpc.StatusCode:
    """The status of an empty request to the first RPC of a service; None calls without a certificate."""
    service = CONTRACTS[contract]
    owner = service.file.package.split(".")[1]
    credentials = grpc.ssl_channel_credentials(
        stack.authority.certificate.read_bytes(),
        *((mount.key.read_bytes(), mount.chain.read_bytes()) if mount else ()),
    )
    address = f"127.0.0.1:{getattr(stack.ports, owner + '_grpc')}"
    options = [("grpc.default_authority", owner)]
    async with grpc.aio.secure_channel(address, credentials, options=options) as channel:
        call: Any = channel.unary_unary(f"/{service.full_name}/{service.methods[0].name}")
        try:
            await call(b"", timeout=10)
        except grpc.aio.AioRpcError as failure:
            return failure.code()
    return grpc.StatusCode.OK


async def test_the_journey(shop: Shop, admin: Person) -> None:
    john = await shop.register()
    product = await admin.create_product(stock=10)
    order = await john.buy((product, 2))
    confirmed = await john.wait_for_status(order["id"], "CONFIRMED", seconds=60)
    assert confirmed["payment"]["status"] == "SUCCEEDED"
    [mail] = await john.wait_for_mail("confirmed", order["id"], seconds=60)
    assert mail.to == [john.email]
    assert await admin.stock(product) == 8
    assert (await john.cancel(order["id"])).get("cancelOrder")["status"] == "CANCELLED"


@pytest.mark.parametrize("contract", CONTRACTS)
async def test_a_service_accepts_only_the_callers_on_its_list(stack: SecuredStack, contract: str) -> None:
    for name in SERVICES:
        is_rejected = (
            await status_of_call(stack, contract, stack.mounts[name]) is grpc.StatusCode.PERMISSION_DENIED
        )
        assert is_rejected == (name not in ALLOWED[contract]), name


@pytest.mark.parametrize("contract", CONTRACTS)
async def test_any_other_client_is_rejected_by_every_service(
    stack: SecuredStack, client_files: Callable[..., Mount], tmp_path: Path, contract: str
) -> None:
    other = Authority(tmp_path, "other")
    expected: dict[grpc.StatusCode, list[Mount | None]] = {
        grpc.StatusCode.PERMISSION_DENIED: [client_files("intruder"), client_files("order.example.com")],
        grpc.StatusCode.UNAVAILABLE: [
            None,
            client_files("gateway", other),
            client_files("gateway", ends=-HOUR),
            client_files("order", ends=-HOUR),
            client_files("order", starts=HOUR),
        ],
    }
    for code, mounts in expected.items():
        for mount in mounts:
            assert await status_of_call(stack, contract, mount) is code, mount and mount.folder.name


def writable(stack: SecuredStack) -> Mapping[str, set[str]]:
    """The topics that every service may write."""
    return {
        name: {acl.name for acl in acls if acl.resource == "topic" and "Write" in acl.operations}
        for name, acls in stack.acls.items()
    }


def groups(stack: SecuredStack) -> Mapping[str, set[str]]:
    """The consumer groups of every service."""
    return {name: {acl.name for acl in acls if acl.resource == "group"} for name, acls in stack.acls.items()}


def readable(stack: SecuredStack, name: str) -> list[str]:
    """The topics that a service may read; any topic for a client without ACLs."""
    acls = stack.acls.get(name, ())
    topics = [acl.name for acl in acls if acl.resource == "topic" and "Read" in acl.operations]
    return topics or ["souk.order.v1"]


def accepted_topics(bootstrap: str, topics: set[str]) -> set[str]:
    """The topics that accept a record; the others must reject it because of missing authorization."""
    # An idempotent producer that may write no topic does not even get a producer id.
    producer = KafkaProducer(
        **broker_config(bootstrap), enable_idempotence=False, bootstrap_timeout_ms=10_000, max_block_ms=10_000
    )
    accepted = set()
    try:
        for topic in sorted(topics):
            try:
                producer.send(topic, b"", partition=0).get(timeout=10)
                accepted.add(topic)
            except TopicAuthorizationFailedError:
                continue
    finally:
        producer.close(timeout=1)
    return accepted


def can_use_group(bootstrap: str, group: str, topic: str) -> bool:
    """Whether a client may read the offsets of a consumer group; `topic`: one that it may read."""
    consumer = KafkaConsumer(**broker_config(bootstrap), group_id=group, bootstrap_timeout_ms=10_000)
    try:
        consumer.committed(TopicPartition(topic, 0))
    except GroupAuthorizationFailedError:
        return False
    finally:
        consumer.close(autocommit=False)
    return True


@pytest.mark.parametrize("name", [*SERVICES, "intruder"])
async def test_only_its_owner_may_write_a_topic(
    stack: SecuredStack, client_files: Callable[..., Mount], name: str
) -> None:
    owners = writable(stack)
    topics = set().union(*owners.values())
    assert {"souk.account.v1", "souk.catalog.v1", "souk.order.v1", "souk.payment.v1"} <= topics
    mount = stack.mounts.get(name) or client_files(name)
    # Own topics are covered by the journey, where an empty record from here would become a dead letter.
    foreign = topics - owners.get(name, set())
    assert await asyncio.to_thread(accepted_topics, stack.kafka.address(mount), foreign) == set()


@pytest.mark.parametrize("name", [*SERVICES, "intruder"])
async def test_only_its_service_may_use_a_consumer_group(
    stack: SecuredStack, client_files: Callable[..., Mount], name: str
) -> None:
    owners = groups(stack)
    mount = stack.mounts.get(name) or client_files(name)
    all_groups = {group for names in owners.values() for group in names if not group.endswith(".replay")}
    assert {"account", "catalog", "catalog.indexer", "notification", "order", "payment"} <= all_groups
    address, topic = stack.kafka.address(mount), readable(stack, name)[0]
    for group in sorted(all_groups):
        allowed = await asyncio.to_thread(can_use_group, address, group, topic)
        assert allowed == (group in owners.get(name, set())), group


async def test_kafka_rejects_clients_without_a_valid_certificate(
    stack: SecuredStack, client_files: Callable[..., Mount], tmp_path: Path
) -> None:
    plain, ours = stack.kafka.bootstrap(), stack.authority.certificate
    invalid = [client_files("order", Authority(tmp_path, "other")), client_files("order", ends=-HOUR)]
    for bootstrap in (plain, f"tls://{plain}?ca={ours}", *map(stack.kafka.address, invalid)):
        with pytest.raises(KafkaError):
            await asyncio.to_thread(can_use_group, bootstrap, "order", "souk.order.v1")


async def test_new_certificates_under_traffic_fail_no_order(
    stack: SecuredStack, shop: Shop, admin: Person
) -> None:
    product = await admin.create_product(stock=100_000)
    shoppers = [await shop.register() for _ in range(4)]
    stopped = asyncio.Event()
    failures: list[object] = []
    placed = 0

    async def keep_ordering(person: Person) -> None:
        nonlocal placed
        while not stopped.is_set():
            response = await person.try_to_buy(product)
            if response.errors:
                failures.append(response.errors)
            placed += 1
            await asyncio.sleep(
                0.1
            )  # Slower than the stack charges orders, so that the last one does not wait long.

    def replacements() -> int:
        logs = (stack.state / "logs" / f"{name}.log" for name in ("gateway", "order", "account"))
        return min(log.read_text().count("identity.certificate_replaced") for log in logs)

    buying = [asyncio.create_task(keep_ordering(person)) for person in shoppers]
    for _ in range(4):
        orders_before, replacements_before = placed, replacements()
        stack.renew()
        async with asyncio.timeout(60):
            while placed < orders_before + 40 or replacements() == replacements_before:
                # For an ADMIN's write, order and catalog call account.
                await admin.set_stock(product, 100_000)
                await admin.update_status("ord_00000000000000000000000000", "SHIPPED")
                # A server looks for new files at a handshake, at most once a second.
                await status_of_call(stack, "AccountService", stack.mounts["gateway"])
                await asyncio.sleep(0.2)
    stopped.set()
    await asyncio.gather(*buying)
    assert not failures
    last = await shoppers[0].buy(product)
    await shoppers[0].wait_for_status(last["id"], "CONFIRMED", seconds=120)
