"""What the local stack decides: ports, the catalogue, and what it says of a part that ends."""

import socket
import sys
import threading
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from dev.catalogue import articles
from dev.parts import Program, services
from dev.ports import SERVICES, Ports, service_environment
from dev.prometheus import DEPLOYED, write_config
from dev.stack import Stack, watch
from kit.testing import free_port


def test_every_port_can_be_moved() -> None:
    moved = Ports.read(
        {f"SOUK_{field.name.upper()}_PORT": str(20000 + n) for n, field in enumerate(fields(Ports))}
    )
    assert [getattr(moved, field.name) for field in fields(Ports)] == list(
        range(20000, 20000 + len(fields(Ports)))
    )


def test_what_is_no_port_is_named() -> None:
    with pytest.raises(ValueError, match=r"SOUK_REDIS_PORT=x.*\nSOUK_KAFKA_PORT=70000"):
        Ports.read({"SOUK_REDIS_PORT": "x", "SOUK_KAFKA_PORT": "70000"})


def test_a_taken_port_is_named_with_its_setting() -> None:
    ports = Ports.free()
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.order))
        other.listen()
        assert ports.taken() == [f"port {ports.order} is taken: set SOUK_ORDER_PORT to another"]


def test_each_service_has_its_own_database_and_ports(tmp_path: Path) -> None:
    ports = Ports.free()
    told = [service_environment(service, ports, tmp_path) for service in SERVICES]
    assert len({environment["HTTP_PORT"] for environment in told}) == 6
    assert len({environment.get("DATABASE_URL") for environment in told}) == 6


def test_a_second_replica_has_ports_of_its_own_and_both_are_called(tmp_path: Path) -> None:
    first, second = Ports.free(), Ports.free()
    parts = services(SERVICES, first, tmp_path, [second])
    assert set(parts) == {*SERVICES, *(f"{service}-2" for service in SERVICES)}
    told = parts["order-2"].environment()
    assert (parts["order-2"].port, told["GRPC_PORT"]) == (second.order, str(second.order_grpc))
    assert told["DATABASE_URL"] == parts["order"].environment()["DATABASE_URL"]
    assert told["CATALOG_ADDRESS"] == f"127.0.0.1:{first.catalog_grpc},127.0.0.1:{second.catalog_grpc}"


def test_the_local_prometheus_has_the_jobs_and_the_rules_of_the_others(tmp_path: Path) -> None:
    addresses = {name: f"127.0.0.1:{8000 + number}" for number, name in enumerate(SERVICES)}
    config = yaml.safe_load(write_config(tmp_path, addresses).read_text())

    found = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    assert found == {name: [address] for name, address in addresses.items()}
    for rules in config["rule_files"]:
        assert (tmp_path / rules).read_text() == (DEPLOYED / rules).read_text()
    assert "alerts.yml" in config["rule_files"]


def test_only_what_serves_yields_to_the_others(tmp_path: Path) -> None:
    part = services(("payment",), Ports.free(), tmp_path)["payment"]
    assert "autogroup" in " ".join(part.command())
    assert "autogroup" not in " ".join(part.command("migrate"))


def test_the_catalogue_is_believable_and_always_the_same() -> None:
    found = articles(1000)
    assert found == articles(1000)
    assert found[:100] == articles(100)
    assert len({article.sku for article in found}) == len({article.name for article in found}) == 1000
    assert len({article.category for article in found}) == 20
    assert all(article.price >= 390 for article in found)


def test_a_part_that_ends_is_reported_by_name_with_its_last_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUK_KAFKA_HOME", str(tmp_path))
    monkeypatch.setenv("SOUK_ELASTICSEARCH_HOME", str(tmp_path))
    stack = Stack(tmp_path, Ports.free(), names=(), quiet=True)
    code = "print('out of eggs', flush=True); raise SystemExit(3)"
    part = Program("baker", [sys.executable, "-S", "-c", code], port=free_port(), state=tmp_path)
    stack.programs.append(part)
    part.launch()
    assert watch(stack, threading.Event()) == 1
    assert "baker ended with status 3" in (printed := capsys.readouterr().err)
    assert "out of eggs" in printed
