"""Services that prove who they are: the journey, what a seventh one gets, and new certificates under traffic."""

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
from tests.e2e.ground import state_folder
from tests.e2e.secured import SecuredStack
from tests.e2e.shop import Person, Shop

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
# Who may call a service's first RPC: as app.py of each says.
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
    at = [f"http://127.0.0.1:{port}" for port in (ports.gateway, ports.mail_web, ports.stripe)]
    async with Shop(at[0], mails=at[1], stripe=at[2]) as shop:
        yield shop


@pytest.fixture
async def admin(shop: Shop) -> Person:
    return await shop.admin()


@pytest.fixture
def seventh(stack: SecuredStack, tmp_path: Path) -> Callable[..., Mount]:
    """Files of a client that trusts our authority; by default the authority signed its certificate too."""

    def made(name: str, signed_by: Authority | None = None, **valid: timedelta) -> Mount:
        mount = Mount(tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}")
        (signed_by or stack.authority).issue(mount, name, **valid)
        files = {path.name: path.read_bytes() for path in (mount.chain, mount.key)}
        mount.write(files | {"ca.crt": stack.authority.certificate.read_bytes()})
        return mount

    return made


async def answer(stack: SecuredStack, contract: str, mount: Mount | None) -> grpc.StatusCode:
    """What an empty request to the first RPC of a service is answered; None calls without a certificate."""
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
    confirmed = await john.sees(order["id"], "CONFIRMED", seconds=60)
    assert confirmed["payment"]["status"] == "SUCCEEDED"
    [mail] = await john.gets_mail("confirmed", order["id"], seconds=60)
    assert mail.to == [john.email]
    assert await admin.stock(product) == 8
    assert (await john.cancel(order["id"])).get("cancelOrder")["status"] == "CANCELLED"


@pytest.mark.parametrize("contract", CONTRACTS)
async def test_a_service_answers_those_on_its_list_and_no_other_service(
    stack: SecuredStack, contract: str
) -> None:
    for name in SERVICES:
        refused = await answer(stack, contract, stack.mounts[name]) is grpc.StatusCode.PERMISSION_DENIED
        assert refused == (name not in ALLOWED[contract]), name


@pytest.mark.parametrize("contract", CONTRACTS)
async def test_a_seventh_is_refused_by_every_service(
    stack: SecuredStack, seventh: Callable[..., Mount], tmp_path: Path, contract: str
) -> None:
    other = Authority(tmp_path, "other")
    expected: dict[grpc.StatusCode, list[Mount | None]] = {
        grpc.StatusCode.PERMISSION_DENIED: [seventh("intruder"), seventh("order.example.com")],
        grpc.StatusCode.UNAVAILABLE: [
            None,
            seventh("gateway", other),
            seventh("gateway", ends=-HOUR),
            seventh("order", ends=-HOUR),
            seventh("order", starts=HOUR),
        ],
    }
    for code, mounts in expected.items():
        for mount in mounts:
            assert await answer(stack, contract, mount) is code, mount and mount.folder.name


def writable(stack: SecuredStack) -> Mapping[str, set[str]]:
    """The topics that each service may write."""
    return {
        name: {acl.name for acl in acls if acl.resource == "topic" and "Write" in acl.operations}
        for name, acls in stack.acls.items()
    }


def groups(stack: SecuredStack) -> Mapping[str, set[str]]:
    """The consumer groups of each service."""
    return {name: {acl.name for acl in acls if acl.resource == "group"} for name, acls in stack.acls.items()}


def readable(stack: SecuredStack, name: str) -> list[str]:
    """The topics that a service may read; some topic for one without ACLs."""
    acls = stack.acls.get(name, ())
    topics = [acl.name for acl in acls if acl.resource == "topic" and "Read" in acl.operations]
    return topics or ["souk.order.v1"]


def written(bootstrap: str, topics: set[str]) -> set[str]:
    """Those of the topics that take a record; the others must refuse it for want of authorization."""
    # Idempotent producers are already refused an id when they may write no topic at all.
    producer = KafkaProducer(
        **broker_config(bootstrap), enable_idempotence=False, bootstrap_timeout_ms=10_000, max_block_ms=10_000
    )
    taken = set()
    try:
        for topic in sorted(topics):
            try:
                producer.send(topic, b"", partition=0).get(timeout=10)
                taken.add(topic)
            except TopicAuthorizationFailedError:
                continue
    finally:
        producer.close(timeout=1)
    return taken


def joins(bootstrap: str, group: str, topic: str) -> bool:
    """Whether a client may act as a consumer group, by the offset of a topic that it may read."""
    consumer = KafkaConsumer(**broker_config(bootstrap), group_id=group, bootstrap_timeout_ms=10_000)
    try:
        consumer.committed(TopicPartition(topic, 0))
    except GroupAuthorizationFailedError:
        return False
    finally:
        consumer.close(autocommit=False)
    return True


@pytest.mark.parametrize("name", [*SERVICES, "intruder"])
async def test_topics_are_written_by_their_owners_only(
    stack: SecuredStack, seventh: Callable[..., Mount], name: str
) -> None:
    owners = writable(stack)
    topics = set().union(*owners.values())
    assert {"souk.account.v1", "souk.catalog.v1", "souk.order.v1", "souk.payment.v1"} <= topics
    mount = stack.mounts.get(name) or seventh(name)
    # What is allowed is seen in the journey; an empty record here would be a dead letter there.
    foreign = topics - owners.get(name, set())
    assert await asyncio.to_thread(written, stack.kafka.address(mount), foreign) == set()


@pytest.mark.parametrize("name", [*SERVICES, "intruder"])
async def test_groups_are_their_services(
    stack: SecuredStack, seventh: Callable[..., Mount], name: str
) -> None:
    owners = groups(stack)
    mount = stack.mounts.get(name) or seventh(name)
    everyone = {group for each in owners.values() for group in each if not group.endswith(".replay")}
    assert {"account", "catalog", "catalog.indexer", "notification", "order", "payment"} <= everyone
    address, topic = stack.kafka.address(mount), readable(stack, name)[0]
    for group in sorted(everyone):
        allowed = await asyncio.to_thread(joins, address, group, topic)
        assert allowed == (group in owners.get(name, set())), group


async def test_kafka_admits_nobody_without_a_right_certificate(
    stack: SecuredStack, seventh: Callable[..., Mount], tmp_path: Path
) -> None:
    plain, ours = stack.kafka.bootstrap(), stack.authority.certificate
    wrong = [seventh("order", Authority(tmp_path, "other")), seventh("order", ends=-HOUR)]
    for bootstrap in (plain, f"tls://{plain}?ca={ours}", *map(stack.kafka.address, wrong)):
        with pytest.raises(KafkaError):
            await asyncio.to_thread(joins, bootstrap, "order", "souk.order.v1")


async def test_new_certificates_under_traffic_fail_no_order(
    stack: SecuredStack, shop: Shop, admin: Person
) -> None:
    product = await admin.create_product(stock=100_000)
    shoppers = [await shop.register() for _ in range(4)]
    done = asyncio.Event()
    failures: list[object] = []
    placed = 0

    async def buys(person: Person) -> None:
        nonlocal placed
        while not done.is_set():
            outcome = await person.try_to_buy(product)
            if outcome.errors:
                failures.append(outcome.errors)
            placed += 1

    def noticed() -> int:
        logs = (stack.state / "logs" / f"{name}.log" for name in ("gateway", "order", "account"))
        return min(log.read_text().count("identity.replaced") for log in logs)

    buying = [asyncio.create_task(buys(person)) for person in shoppers]
    for _ in range(4):
        before, seen = placed, noticed()
        stack.renew()
        async with asyncio.timeout(60):
            while placed < before + 40 or noticed() == seen:
                # An ADMIN's write has order and catalog call account.
                await admin.set_stock(product, 100_000)
                await admin.move("ord_00000000000000000000000000", "SHIPPED")
                await asyncio.sleep(0)
    done.set()
    await asyncio.gather(*buying)
    assert not failures
    last = await shoppers[0].buy(product)
    await shoppers[0].sees(last["id"], "CONFIRMED", seconds=120)
