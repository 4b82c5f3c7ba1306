"""A stack with two replicas of every service, where each part can be killed, frozen and cut off, and has a clock of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from dev.parts import Program, Service
from dev.ports import SERVICES, Ports
from dev.stack import Stack
from kit.testing import Kafka
from tests.e2e.ground import state_folder
from tests.e2e.shop import Shop
from tests.faults.clocks import Clocks
from tests.faults.network import Network

SERVERS: Final = ("postgresql", "kafka", "redis", "elasticsearch", "stripe", "mail")
# A setting of a service that is an address here, or its port alone.
_ADDRESS: Final = re.compile(r"127\.0\.0\.1:(\d+)")
_PORTS: Final = ("SMTP_PORT",)
_PRODUCTS: Final = 20
_START_SECONDS: Final = 180.0
# Orders that nobody pays end after five minutes, not ten, and their stock is free soon after, so that a run can wait for it.
PENDING_SECONDS: Final = 300
_RESERVATION_SECONDS: Final = 360


@dataclass(frozen=True, slots=True)
class FaultGround:
    """The stack, the network between its parts, and their clocks."""

    ports: Ports
    more: Ports
    stack: Stack
    network: Network
    clocks: Clocks

    def shop(self) -> Shop:
        """A client that uses both gateways."""
        first, second = (f"http://127.0.0.1:{ports.gateway}" for ports in (self.ports, self.more))
        return Shop(
            first,
            mails=f"http://127.0.0.1:{self.ports.mail_web}",
            stripe=f"http://127.0.0.1:{self.ports.stripe}",
            more=[second],
        )

    def replicas(self, service: str) -> list[str]:
        """The names of a service's parts."""
        return [name for name, part in self.stack.services.items() if part.service == service]

    def database(self, service: str) -> str:
        """Where an observer finds a service's database, past every proxy."""
        return f"postgresql://souk:souk@127.0.0.1:{self.ports.postgresql}/{service}"

    def log(self, part: str) -> str:
        """What a part has logged."""
        return self.stack.parts[part].log.read_text(errors="replace")

    def threads(self, part: str) -> int:
        """How many threads a part's process has."""
        process = self.stack.parts[part].process
        assert process is not None
        return len(list(Path(f"/proc/{process.pid}/task").iterdir()))

    def kill(self, part: str) -> None:
        """kill -9."""
        self.stack.stop_part(part, kill=True)

    def stop(self, part: str) -> None:
        """Stops a part in order."""
        self.stack.stop_part(part)

    def start(self, part: str) -> None:
        """Starts it again."""
        self.stack.start_part(part)

    def freeze(self, part: str) -> None:
        """SIGSTOP."""
        self.stack.pause_part(part)

    def thaw(self, part: str) -> None:
        """SIGCONT."""
        self.stack.resume_part(part)


@pytest.fixture(scope="session")
def fault_ground() -> Iterator[FaultGround]:
    """The stack; its logs stay with the test's outputs."""
    with state_folder() as state, running(state) as ground:
        yield ground


@contextmanager
def running(state: Path) -> Iterator[FaultGround]:
    """Starts the stack in a folder and stops it again."""
    ports, more = Ports.free(), Ports.free()
    stack = Stack(state, ports, products=_PRODUCTS, mail="count", more=[more])
    clocks = Clocks(state / "clocks")
    shorter = {
        "PENDING_SECONDS": str(PENDING_SECONDS),
        "RESERVATION_SECONDS": str(_RESERVATION_SECONDS),
        # Hashing is what a core does when it has nothing else to do, and here it always has.
        "BCRYPT_COST": "10",
    }
    with Network() as network:
        for part in stack.services.values():
            ways = _ways(part.name, ports, more, network)
            part.adjust(
                lambda name, told, ways=ways: {  # type: ignore[misc]
                    **_rewired(told, ways),
                    **clocks.environment(name),
                    **shorter,
                }
            )
        ours: list[Service | Program] = [*stack.services.values(), *stack.programs]
        for started in ours:
            # Nothing is measured here, and a starved part looks like a frozen one.
            started.yields = False
        for each in stack.parts.values():
            each.start_seconds = _START_SECONDS
        for server in stack.servers:
            if isinstance(server, Kafka):
                # Clients go where the broker says it is, so all of them by one way.
                server.advertised_port = network.link("anyone", "kafka", ports.kafka)
        stack.start()
        try:
            yield FaultGround(ports, more, stack, network, clocks)
        finally:
            network.heal()
            stack.stop()


def _ways(caller: str, ports: Ports, more: Ports, network: Network) -> Mapping[str, str]:
    """Port -> port of the proxy by which this caller reaches what listens there."""
    targets = {"mail": ports.smtp} | {
        name: getattr(ports, name) for name in ("postgresql", "redis", "elasticsearch", "stripe")
    }
    for service in SERVICES[:-1]:
        targets[service] = getattr(ports, f"{service}_grpc")
        targets[f"{service}-2"] = getattr(more, f"{service}_grpc")
    ways = {str(port): str(network.link(caller, name, port)) for name, port in targets.items()}
    return ways | {str(ports.kafka): str(network.link("anyone", "kafka", ports.kafka))}


def _rewired(told: Mapping[str, str], ways: Mapping[str, str]) -> dict[str, str]:
    return {
        name: ways.get(value, value)
        if name in _PORTS
        else _ADDRESS.sub(lambda found: f"127.0.0.1:{ways.get(found[1], found[1])}", value)
        for name, value in told.items()
    }
