"""A stack with two replicas of every service, whose components can be killed, frozen and disconnected; every service has its own clock."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from dev.components import Program, Service
from dev.ports import SERVICES, Ports
from dev.stack import Stack
from kit.testing import Kafka
from tests.e2e.shop import Shop
from tests.e2e.stack import state_folder
from tests.faults.clocks import Clocks
from tests.faults.network import Network

SERVERS: Final = ("postgresql", "kafka", "redis", "elasticsearch", "stripe", "mail")
# Settings whose value is an address on this machine, or a port alone.
_ADDRESS: Final = re.compile(r"127\.0\.0\.1:(\d+)")
_PORTS: Final = ("SMTP_PORT",)
_PRODUCTS: Final = 20
_START_SECONDS: Final = 180.0
# Unpaid orders are cancelled after five minutes, not ten, and their stock is released soon after, so that a run can wait for it.
PENDING_SECONDS: Final = 300
_RESERVATION_SECONDS: Final = 360
_SETTINGS: Final = {
    "PENDING_SECONDS": str(PENDING_SECONDS),
    "RESERVATION_SECONDS": str(_RESERVATION_SECONDS),
    # Password hashing only gets idle CPU time, and here the CPU is never idle.
    "BCRYPT_COST": "10",
}


@dataclass(frozen=True, slots=True)
class FaultStack:
    """The stack, the network between its components, and their clocks; `replica_ports`: those of the second replicas."""

    ports: Ports
    replica_ports: Ports
    local: Stack
    network: Network
    clocks: Clocks

    def shop(self) -> Shop:
        """A client that uses both gateways."""
        first, second = (f"http://127.0.0.1:{ports.gateway}" for ports in (self.ports, self.replica_ports))
        return Shop(
            first,
            mails=f"http://127.0.0.1:{self.ports.mail_web}",
            stripe=f"http://127.0.0.1:{self.ports.stripe}",
            more=[second],
        )

    def replicas(self, service: str) -> list[str]:
        """The names of a service's replicas."""
        return [name for name, replica in self.local.services.items() if replica.service == service]

    def database(self, service: str) -> str:
        """The URL of a service's database for tests, which bypasses the proxies."""
        return f"postgresql://souk:souk@127.0.0.1:{self.ports.postgresql}/{service}"

    def log(self, component: str) -> str:
        """What a component has logged."""
        return self.local.components[component].log.read_text(errors="replace")

    def threads(self, component: str) -> int:
        """The number of threads of a component's process."""
        process = self.local.components[component].process
        assert process is not None
        return len(list(Path(f"/proc/{process.pid}/task").iterdir()))

    def kill(self, component: str) -> None:
        """kill -9."""
        self.local.stop_component(component, kill=True)

    def stop(self, component: str) -> None:
        """Stops a component gracefully."""
        self.local.stop_component(component)

    def start(self, component: str) -> None:
        """Starts it again."""
        self.local.start_component(component)

    def freeze(self, component: str) -> None:
        """SIGSTOP."""
        self.local.pause_component(component)

    def thaw(self, component: str) -> None:
        """SIGCONT."""
        self.local.resume_component(component)


@pytest.fixture(scope="session")
def fault_stack() -> Iterator[FaultStack]:
    """The stack; its logs are kept with the test's outputs."""
    with state_folder() as state, running(state) as stack:
        yield stack


@contextmanager
def running(state: Path) -> Iterator[FaultStack]:
    """Starts the stack in a folder and stops it again."""
    ports, replica_ports = Ports.free(), Ports.free()
    local = Stack(state, ports, products=_PRODUCTS, mail="count", replica_ports=[replica_ports])
    clocks = Clocks(state / "clocks")
    with Network() as network:
        for replica in local.services.values():
            replica.override_environment(
                _environment(_links(replica.name, ports, replica_ports, network), clocks)
            )
        _allow_slow_start(local)
        for server in local.servers:
            if isinstance(server, Kafka):
                # Clients connect to the address that the broker advertises, so all of them share one proxy.
                server.advertised_port = network.link("anyone", "kafka", ports.kafka)
        local.start()
        try:
            yield FaultStack(ports, replica_ports, local, network, clocks)
        finally:
            network.heal()
            local.stop()


def _allow_slow_start(local: Stack) -> None:
    processes: list[Service | Program] = [*local.services.values(), *local.programs]
    for process in processes:
        # Nothing is measured here, and a process without CPU time looks like a frozen one.
        process.low_priority = False
    for component in local.components.values():
        component.start_seconds = _START_SECONDS


def _environment(links: Mapping[str, str], clocks: Clocks) -> Callable[[str, dict[str, str]], dict[str, str]]:
    """Changes a service's environment so that it uses the proxies and its own clock."""
    return lambda name, environment: {
        **_through_proxies(environment, links),
        **clocks.environment(name),
        **_SETTINGS,
    }


def _links(caller: str, ports: Ports, replica_ports: Ports, network: Network) -> Mapping[str, str]:
    """By port, the port of the proxy through which this caller reaches it."""
    targets = {"mail": ports.smtp} | {
        name: getattr(ports, name) for name in ("postgresql", "redis", "elasticsearch", "stripe")
    }
    for service in SERVICES[:-1]:
        targets[service] = getattr(ports, f"{service}_grpc")
        targets[f"{service}-2"] = getattr(replica_ports, f"{service}_grpc")
    links = {str(port): str(network.link(caller, name, port)) for name, port in targets.items()}
    return links | {str(ports.kafka): str(network.link("anyone", "kafka", ports.kafka))}


def _through_proxies(environment: Mapping[str, str], links: Mapping[str, str]) -> dict[str, str]:
    return {
        name: links.get(value, value)
        if name in _PORTS
        else _ADDRESS.sub(lambda match: f"127.0.0.1:{links.get(match[1], match[1])}", value)
        for name, value in environment.items()
    }
