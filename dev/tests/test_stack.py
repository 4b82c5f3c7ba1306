"""Ports, environments and catalogue of the local stack, and its report of a component that exits."""

import re
import socket
import subprocess
import sys
import threading
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from dev.catalogue import articles
from dev.components import Program, services
from dev.ports import SERVICES, Ports, addresses, service_environment
from dev.prometheus import DEPLOYED, write_config
from dev.stack import Stack, table, watch
from kit.testing import free_port


def test_every_port_can_be_overridden() -> None:
    ports = Ports.read(
        {f"SOUK_{field.name.upper()}_PORT": str(20000 + n) for n, field in enumerate(fields(Ports))}
    )
    assert [getattr(ports, field.name) for field in fields(Ports)] == list(
        range(20000, 20000 + len(fields(Ports)))
    )


def test_invalid_ports_are_reported_by_variable() -> None:
    with pytest.raises(ValueError, match=r"SOUK_REDIS_PORT=x.*\nSOUK_KAFKA_PORT=70000"):
        Ports.read({"SOUK_REDIS_PORT": "x", "SOUK_KAFKA_PORT": "70000"})


def test_a_port_in_use_is_reported_with_its_variable() -> None:
    ports = Ports.free()
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.order))
        other.listen()
        assert ports.conflicts() == [f"port {ports.order} is in use: set SOUK_ORDER_PORT to another port"]


def test_each_service_has_its_own_database_and_ports(tmp_path: Path) -> None:
    ports = Ports.free()
    environments = [service_environment(service, ports, tmp_path) for service in SERVICES]
    assert len({environment["HTTP_PORT"] for environment in environments}) == 6
    assert len({environment.get("DATABASE_URL") for environment in environments}) == 6


def test_the_terminal_lists_every_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOUK_KAFKA_HOME", str(tmp_path))
    monkeypatch.setenv("SOUK_ELASTICSEARCH_HOME", str(tmp_path))
    stack = Stack(tmp_path, Ports.free(), quiet=True)
    printed = dict(
        re.split(r"  +", line.strip(), maxsplit=1)
        for line in table(stack).splitlines()
        if "  " in line.strip()
    )

    listed = addresses(stack.ports)
    assert {"Playground", "GraphQL", "Mails", "Mail templates", "PostgreSQL", "Stripe mock"} <= listed.keys()
    assert {
        name: text for name, text in printed.items() if not re.match("Start|Login|Log files", name)
    } == listed


@pytest.mark.parametrize(
    ("component", "status"), [("order", None), ("", None), ("nosuch", 1), ("../secret", 1)]
)
def test_following_a_log_names_the_components_if_there_is_no_such_one(
    tmp_path: Path, component: str, status: int | None
) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "secret.log").write_text("no log\n")
    for name in ("kafka", "order"):
        (tmp_path / "logs" / f"{name}.log").write_text(f"{name} is up\n")

    ended, output = follow(tmp_path / "logs", component)

    assert ended == status
    if status:
        assert output == f"There is no component {component}. Components: kafka order\n"
    else:
        assert "order is up" in output


def test_following_logs_before_the_first_start_says_how_to_start(tmp_path: Path) -> None:
    assert follow(tmp_path / "logs", "order") == (
        1,
        f"No logs in {tmp_path / 'logs'}: `make run` starts the stack\n",
    )


def follow(folder: Path, component: str) -> tuple[int | None, str]:
    """The exit status (None: it follows the log) and what it prints first."""
    script = Path(__file__).parents[1] / "logs.sh"
    with subprocess.Popen(
        ["bash", script, folder, component], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout
        output = ""
        try:
            # `tail` prints a header for each of several files; an exit ends the output.
            while "order is up" not in output and (line := process.stdout.readline()):
                output += line
            return (None if "order is up" in output else process.wait()), output
        finally:
            process.kill()


def test_a_second_replica_has_its_own_ports_and_peers_call_both(tmp_path: Path) -> None:
    first, second = Ports.free(), Ports.free()
    replicas = services(SERVICES, first, tmp_path, [second])
    assert set(replicas) == {*SERVICES, *(f"{service}-2" for service in SERVICES)}
    environment = replicas["order-2"].environment()
    assert (replicas["order-2"].port, environment["GRPC_PORT"]) == (second.order, str(second.order_grpc))
    assert environment["DATABASE_URL"] == replicas["order"].environment()["DATABASE_URL"]
    assert environment["CATALOG_ADDRESS"] == f"127.0.0.1:{first.catalog_grpc},127.0.0.1:{second.catalog_grpc}"


def test_the_local_prometheus_has_the_deployed_jobs_and_rules(tmp_path: Path) -> None:
    addresses = {name: f"127.0.0.1:{8000 + number}" for number, name in enumerate(SERVICES)}
    config = yaml.safe_load(write_config(tmp_path, addresses).read_text())

    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    assert targets == {name: [address] for name, address in addresses.items()}
    for rules in config["rule_files"]:
        assert (tmp_path / rules).read_text() == (DEPLOYED / rules).read_text()
    assert "alerts.yml" in config["rule_files"]


def test_only_servers_run_with_low_priority(tmp_path: Path) -> None:
    payment = services(("payment",), Ports.free(), tmp_path)["payment"]
    assert "autogroup" in " ".join(payment.command())
    assert "autogroup" not in " ".join(payment.command("migrate"))


def test_the_catalogue_is_realistic_and_deterministic() -> None:
    products = articles(1000)
    assert products == articles(1000)
    assert products[:100] == articles(100)
    assert len({article.sku for article in products}) == len({article.name for article in products}) == 1000
    assert len({article.category for article in products}) == 20
    assert all(article.price >= 390 for article in products)


def test_a_component_that_exits_is_reported_by_name_with_its_last_log_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOUK_KAFKA_HOME", str(tmp_path))
    monkeypatch.setenv("SOUK_ELASTICSEARCH_HOME", str(tmp_path))
    stack = Stack(tmp_path, Ports.free(), names=(), quiet=True)
    code = "print('out of eggs', flush=True); raise SystemExit(3)"
    program = Program("baker", [sys.executable, "-S", "-c", code], port=free_port(), state=tmp_path)
    stack.programs.append(program)
    program.launch()
    assert watch(stack, threading.Event()) == 1
    assert "baker exited with status 3" in (printed := capsys.readouterr().err)
    assert "out of eggs" in printed
