"""A Kafka that is spoken to by TLS only, with a certificate of an authority of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from kafka import KafkaConsumer
from kafka.errors import KafkaError

from kit.events.broadcast import TopicWatcher
from kit.events.broker import broker_config
from kit.events.envelope import OutgoingRecord
from kit.events.publisher import Publisher
from kit.events.topics import ensure_topics
from kit.testing import Kafka, eventually
from kit.testing.certificates import Authority


class Encrypted(Kafka):
    """Its clients' listener is TLS."""

    def __init__(self, folder: Path, authority: Authority) -> None:
        super().__init__(folder)
        self._authority = authority

    def prepare(self) -> None:
        super().prepare()
        output = self._properties.read_text().replace("BROKER:PLAINTEXT", "BROKER:SSL")
        for kind, file in (
            ("keystore", self._authority.server("kafka")),
            ("truststore", self._authority.certificate),
        ):
            output += f"ssl.{kind}.type=PEM\nssl.{kind}.location={file}\n"
        self._properties.write_text(output)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def kafka(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    kafka = Encrypted(tmp_path_factory.mktemp("kafka"), authority)
    kafka.start()
    yield kafka
    kafka.stop()


async def test_events_are_published_and_consumed_over_tls(kafka: Encrypted, authority: Authority) -> None:
    bootstrap = f"tls://{kafka.bootstrap()}?ca={authority.certificate}"
    await eventually(lambda: ensure_topics(bootstrap, ["news"]) is not None, seconds=30)
    received: list[object] = []
    tail = TopicWatcher("news", bootstrap, received.append)
    await tail.open()
    await eventually(lambda: received == [None], seconds=30)
    publisher = Publisher(bootstrap, "test")
    assert await publisher.send([OutgoingRecord("news", b"key", b"value", [])]) == [True]
    await eventually(lambda: {"key"} in received)
    await publisher.close()
    await tail.close()


def test_brokers_of_another_authority_are_not_believed(kafka: Encrypted, tmp_path: Path) -> None:
    output = broker_config(f"tls://{kafka.bootstrap()}?ca={Authority(tmp_path, 'other').certificate}")
    with pytest.raises(KafkaError):
        KafkaConsumer(**output, bootstrap_timeout_ms=2_000)


def test_a_plain_address_is_plain_and_what_is_neither_is_refused() -> None:
    assert broker_config("a:1,b:2") == {"bootstrap_servers": "a:1,b:2"}
    assert broker_config("tls://a:1,b:2") == {"bootstrap_servers": "a:1,b:2", "security_protocol": "SSL"}
    for wrong in ("kafka://a:1", "tls://a:1?authority=x", "tls://a:1/x"):
        with pytest.raises(ValueError, match="expected host:port"):
            broker_config(wrong)
