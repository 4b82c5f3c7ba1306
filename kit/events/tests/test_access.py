"""What a service's Kafka user may do: derived from what it declares, and enforced by a real broker with an authorizer."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import BytesValue, StringValue
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import (
    GroupAuthorizationFailedError,
    KafkaError,
    TopicAuthorizationFailedError,
)

from kit.events import Access, BatchSubscription, Subscription, ensure_topics
from kit.events.access import Acl, acl_commands, strimzi_user
from kit.events.broadcast import TopicWatcher
from kit.events.broker import broker_config, client_files
from kit.events.envelope import OutgoingRecord
from kit.events.publisher import Publisher
from kit.testing import eventually
from kit.testing.certificates import Authority, Mount
from kit.testing.secured import SecuredKafka


async def _ignore(*_: Any) -> None:
    """Does nothing."""


SHOP = Access(
    "shop",
    ["souk.shop.v1"],
    [
        Subscription("souk.order.v1", {StringValue: _ignore}),
        BatchSubscription("souk.shop.v1", "indexer", (BytesValue,), _ignore),
    ],
    ["souk.account.v1"],
)
ORDER = Access("order", ["souk.order.v1"], [], ["souk.order.v1"])


def test_rights_follow_from_what_is_declared() -> None:
    written, read = ("Create", "Describe", "Write"), ("Describe", "Read")
    assert SHOP.acls() == [
        Acl("group", "shop", ("Read",)),
        Acl("group", "shop.indexer", ("Read",)),
        Acl("group", "souk.shop.v1.dlq.shop.indexer.replay", ("Read",)),
        Acl("topic", "souk.account.v1", read),
        Acl("topic", "souk.order.v1", read),
        # Its dead letters are in the database: the topic is written only.
        Acl("topic", "souk.order.v1.dlq.shop", written),
        Acl("topic", "souk.shop.v1", ("Create", "Describe", "Read", "Write")),
        Acl("topic", "souk.shop.v1.dlq.shop.indexer", ("Create", "Describe", "Read", "Write")),
    ]
    assert ORDER.acls() == [Acl("topic", "souk.order.v1", tuple(sorted({*written, *read})))]
    assert SHOP.creates() == [
        "souk.order.v1.dlq.shop",
        "souk.shop.v1",
        "souk.shop.v1.dlq.shop.indexer",
    ]


def test_rights_are_written_for_kafkas_tool_and_for_strimzi() -> None:
    acls = [Acl("topic", "souk.shop.v1", ("Create", "Write"))]
    assert acl_commands("shop", acls) == [
        "--add --allow-principal User:CN=shop --operation Create --operation Write --topic souk.shop.v1"
    ]
    text = strimzi_user("shop", acls, cluster="souk", namespace="ecommerce")
    assert "  name: shop\n  namespace: ecommerce\n" in text
    assert "resource: {type: topic, name: souk.shop.v1, patternType: literal}" in text


def test_the_certificate_is_named_in_the_address() -> None:
    output = broker_config("tls://a:1,b:2?ca=/c&cert=/d&key=/e")
    assert output == {
        "bootstrap_servers": "a:1,b:2",
        "security_protocol": "SSL",
        "ssl_cafile": "/c",
        "ssl_certfile": "/d",
        "ssl_keyfile": "/e",
    }
    assert client_files("tls://a:1?ca=/c&cert=/d&key=/e") == (Path("/d"), Path("/e"), Path("/c"))
    assert client_files("tls://a:1?ca=/c") is client_files("a:1") is None
    for wrong in ("tls://a:1?ca=/c&cert=/d", "tls://a:1?cert=/d&key=/e", "tls://a:1?ca=/c&key=/e"):
        with pytest.raises(ValueError, match="expected host:port"):
            broker_config(wrong)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("secured")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module")
def kafka(authority: Authority, folder: Path) -> Iterator[SecuredKafka]:
    kafka = SecuredKafka(folder / "kafka", authority)
    kafka.start()
    for access in (SHOP, ORDER):
        kafka.allow(access.service, access.acls())
    ensure_topics(kafka.operator(), ["souk.account.v1", "souk.payment.v1"])
    yield kafka
    kafka.stop()


Address = Callable[..., str]


@pytest.fixture(scope="module")
def address(kafka: SecuredKafka, authority: Authority, folder: Path) -> Address:
    """The error that a client with this name gets from Kafka; with a valid certificate by default."""

    def result(name: str, signed_by: Authority = authority, **valid: timedelta) -> str:
        mount = Mount(folder / f"{name}-{len(list(folder.iterdir()))}")
        signed_by.issue(mount, name, **valid)
        mount.write(
            {path.name: path.read_bytes() for path in (mount.chain, mount.key)}
            | {"ca.crt": authority.certificate.read_bytes()}
        )
        return kafka.address(mount)

    return result


@pytest.fixture
async def made(address: Address) -> None:
    """Each service's `migrate` has made what is its own."""
    for access in (SHOP, ORDER):
        await asyncio.to_thread(ensure_topics, address(access.service), access.creates())


def write(bootstrap: str, topic: str) -> None:
    """Publishes as the relay does; raises KafkaError."""
    producer = KafkaProducer(
        **broker_config(bootstrap),
        acks="all",
        enable_idempotence=True,
        bootstrap_timeout_ms=5_000,
        max_block_ms=5_000,
    )
    try:
        producer.send(topic, b"forged", partition=0).get(timeout=10)
    finally:
        producer.close(timeout=1)


def read(bootstrap: str, topic: str, group: str | None) -> bool:
    """Consumes as a group, or as none; raises KafkaError, answers whether anything came."""
    consumer = KafkaConsumer(
        **broker_config(bootstrap), group_id=group, auto_offset_reset="earliest", bootstrap_timeout_ms=5_000
    )
    try:
        consumer.subscribe([topic]) if group else consumer.assign([TopicPartition(topic, 0)])
        return any(consumer.poll(timeout_ms=500) for _ in range(10))
    finally:
        consumer.close(autocommit=False)


async def test_a_service_publishes_its_own_and_consumes_what_it_subscribes_to(
    made: None, address: Address
) -> None:
    publisher = Publisher(address("order"), "test")
    assert await publisher.send([OutgoingRecord("souk.order.v1", b"key", b"value", [])]) == [True]
    await publisher.close()
    assert await asyncio.to_thread(read, address("shop"), "souk.order.v1", "shop")
    await asyncio.to_thread(write, address("shop"), "souk.order.v1.dlq.shop")


@pytest.mark.parametrize(
    ("name", "topic"),
    [
        *(("shop", topic) for topic in ("souk.order.v1", "souk.account.v1", "souk.payment.v1")),
        *(("order", topic) for topic in ("souk.shop.v1", "souk.order.v1.dlq.shop")),
        *(("intruder", topic) for topic in (*SHOP.creates(), *ORDER.creates(), "souk.account.v1")),
    ],
)
async def test_what_is_not_ones_own_is_not_written(
    made: None, address: Address, name: str, topic: str
) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await asyncio.to_thread(write, address(name), topic)


@pytest.mark.parametrize(
    ("name", "topic", "group"),
    [
        ("shop", "souk.order.v1", "order"),
        ("order", "souk.order.v1", "shop"),
        ("intruder", "souk.order.v1", "shop"),
        ("intruder", "souk.order.v1", "intruder"),
    ],
)
async def test_foreign_groups_are_not_used(
    made: None, address: Address, name: str, topic: str, group: str
) -> None:
    with pytest.raises(GroupAuthorizationFailedError):
        await asyncio.to_thread(read, address(name), topic, group)


@pytest.mark.parametrize(
    ("name", "topic"),
    [("shop", "souk.payment.v1"), ("order", "souk.shop.v1"), ("intruder", "souk.payment.v1")],
)
async def test_other_topics_are_not_read_without_a_group_either(
    made: None, kafka: SecuredKafka, address: Address, name: str, topic: str
) -> None:
    await asyncio.to_thread(write, kafka.operator(), topic)
    assert await asyncio.to_thread(read, kafka.operator(), topic, None)
    # The client does not raise it: it asks again and again.
    assert not await asyncio.to_thread(read, address(name), topic, None)


@pytest.mark.parametrize(("name", "topic"), [("shop", "souk.shop.v2"), ("intruder", "souk.intruder.v1")])
async def test_no_other_topic_is_created(made: None, address: Address, name: str, topic: str) -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await asyncio.to_thread(ensure_topics, address(name), [topic])


async def test_who_does_not_prove_a_name_does_not_get_in(
    kafka: SecuredKafka, authority: Authority, address: Address, tmp_path: Path
) -> None:
    hour = timedelta(hours=1)
    for bootstrap in (
        kafka.bootstrap(),
        f"tls://{kafka.bootstrap()}?ca={authority.certificate}",
        address("order", Authority(tmp_path, "other")),
        address("order", ends=-hour),
        address("order", starts=hour),
    ):
        with pytest.raises(KafkaError):
            await asyncio.to_thread(read, bootstrap, "souk.order.v1", None)


async def test_a_new_certificate_is_used_from_the_next_connection_on(
    made: None, kafka: SecuredKafka, authority: Authority, tmp_path: Path
) -> None:
    mount = Mount(tmp_path / "order")
    authority.issue(mount, "intruder")
    changes: list[object] = []
    tail = TopicWatcher("souk.order.v1", kafka.address(mount), changes.append)
    publisher = Publisher(kafka.address(mount), "test")
    await tail.open()
    records = [OutgoingRecord("souk.order.v1", b"key", b"value", [])]
    assert await publisher.send(records) == [False]
    assert not changes

    authority.issue(mount, "order")
    # A client that already has a connection keeps it: a producer that failed is replaced, and so is a consumer.
    await eventually(lambda: None in changes, seconds=30)

    async def published() -> bool:
        return await publisher.send(records) == [True]

    await eventually(published, seconds=30)
    await eventually(lambda: {"key"} in changes, seconds=30)
    await publisher.close()
    await tail.close()
