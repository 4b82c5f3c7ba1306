"""A service's start with and without its certificates, and what it prints for Kafka's operators."""

import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.wrappers_pb2 import StringValue
from prometheus_client import REGISTRY
from souk.order.v1 import order_service_pb2 as pb

from kit.events import Subscription, TopicWatcher
from kit.service import Service
from kit.service.identity import identity_check, kafka_acls, watch_kafka_certificate
from kit.settings import BaseSettings, SettingsError, load
from kit.testing.certificates import Authority, Mount
from kit.testing.contracts import UnimplementedServicer

HOUR = timedelta(hours=1)
PRODUCTION = {"PROFILE": "production", "HTTP_PORT": "1", "GRPC_PORT": "1", "JWKS_URL": "http://keys"}


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def mount(tmp_path: Path, authority: Authority) -> Mount:
    mount = Mount(tmp_path / "identity")
    authority.issue(mount, "shop")
    return mount


def bootstrap(mount: Mount) -> str:
    return f"tls://kafka:9094?ca={mount.authorities}&cert={mount.chain}&key={mount.key}"


def errors(environment: Mapping[str, str]) -> list[str]:
    try:
        load(BaseSettings, {**PRODUCTION, **environment}, checks=[identity_check("shop")])
    except SettingsError as error:
        return list(error.errors)
    return []


def test_with_its_certificates_it_starts(mount: Mount) -> None:
    assert errors(mount.environment() | {"KAFKA_BOOTSTRAP": bootstrap(mount)}) == []


def test_without_them_it_does_not_start_and_reports_all_errors_together() -> None:
    result = "\n".join(errors({"KAFKA_BOOTSTRAP": "kafka:9092", "LOG_LEVEL": "INFO", "GRPC_PORT": "x"}))
    for fault in (
        "tls.crt cannot be read",
        "tls.key cannot",
        "ca.crt cannot",
        "KAFKA_BOOTSTRAP has no client certificate",
        "GRPC_PORT",
    ):
        assert fault in result


def test_it_does_when_identity_is_switched_off() -> None:
    assert errors({"IDENTITY": "off", "KAFKA_BOOTSTRAP": "kafka:9092"}) == []


@pytest.mark.parametrize("mode", ["accept", "call"])
def test_on_the_way_kafka_needs_no_certificate_yet(mount: Mount, mode: str) -> None:
    environment = mount.environment() | {"IDENTITY": mode}
    assert errors(environment | {"KAFKA_BOOTSTRAP": "tls://kafka:9093?ca=/none"}) == []


def test_both_certificates_are_checked(mount: Mount, authority: Authority, tmp_path: Path) -> None:
    other = Mount(tmp_path / "kafka")
    authority.issue(other, "catalog", ends=-HOUR)
    result = errors(other.environment() | {"KAFKA_BOOTSTRAP": bootstrap(other)})
    assert sum("expired at" in fault for fault in result) == 2
    assert sum("is for catalog, not for shop" in fault for fault in result) == 2
    # Brokers' certificates may be another authority's.
    other.write(
        {path.name: path.read_bytes() for path in (mount.chain, mount.key)}
        | {"ca.crt": Authority(tmp_path, "brokers").certificate.read_bytes()}
    )
    assert errors(mount.environment() | {"KAFKA_BOOTSTRAP": bootstrap(other)}) == []


def test_an_address_of_another_form_is_an_error(mount: Mount) -> None:
    [fault] = errors(mount.environment() | {"KAFKA_BOOTSTRAP": f"tls://kafka:9094?cert={mount.chain}"})
    assert fault.startswith("KAFKA_BOOTSTRAP: expected host:port")


def test_a_process_that_lacks_them_ends_at_once_with_their_names() -> None:
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-m", "kit.service.tests.shop"],
        env={
            "PYTHONPATH": ":".join(sys.path),
            **PRODUCTION,
            "KAFKA_BOOTSTRAP": "kafka:9092",
            "DATABASE_URL": "x",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "IDENTITY=require: /etc/souk/identity/tls.crt cannot be read" in done.stderr


def test_the_kafka_certificates_end_is_a_metric_that_follows_the_file(
    mount: Mount, authority: Authority
) -> None:
    def expiry() -> float:
        result = REGISTRY.get_sample_value(
            "souk_identity_certificate_expiry_timestamp_seconds", {"use": "kafka"}
        )
        assert result is not None
        return result

    watch_kafka_certificate(load(BaseSettings, PRODUCTION | {"KAFKA_BOOTSTRAP": bootstrap(mount)}))
    before = expiry()
    authority.issue(mount, "shop", ends=90 * HOUR)
    assert expiry() > before + 3600
    mount.chain.unlink()
    assert expiry() == 0


class OrderRpc(UnimplementedServicer):
    """Serves."""

    service = pb.DESCRIPTOR.services_by_name["OrderService"]


def shop(**more: Any) -> Service:
    settings = load(BaseSettings, {"PROFILE": "development"})

    async def ignore(*_: Any) -> None:
        """Does nothing."""

    return Service(
        name="shop",
        settings=settings,
        consumes=[Subscription("souk.order.v1", {StringValue: ignore})],
        jobs=[TopicWatcher("souk.catalog.v1", "kafka:9092", lambda _: None)],
        rpc=[OrderRpc()],
        **more,
    )


def test_what_it_may_do_at_kafka_follows_from_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert kafka_acls(shop(), []) == 0
    lines = [line.split(" --operation ", 1)[1] for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        "Read --group shop",
        "Describe --operation Read --topic souk.account.v1",
        "Describe --operation Read --topic souk.catalog.v1",
        "Describe --operation Read --topic souk.order.v1",
        "Create --operation Describe --operation Write --topic souk.order.v1.dlq.shop",
    ]
    assert shop().access().creates() == ["souk.order.v1.dlq.shop"]
    assert kafka_acls(shop(), ["strimzi", "souk", "ecommerce"]) == 0
    assert "kind: KafkaUser" in capsys.readouterr().out
    assert kafka_acls(shop(), ["nonsense"]) == 2


def test_callers_of_what_is_not_served_are_a_mistake() -> None:
    assert shop(callers={"OrderService": ["gateway"], "OrderService/GetOrder": ["account"]}).callers
    with pytest.raises(TypeError, match="StockService"):
        shop(callers={"StockService": ["order"]})
