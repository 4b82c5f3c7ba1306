"""Souk as in a cluster: two replicas of every service from its image under podman, with real servers.

Hosts files stand in for the cluster's DNS (a service's name resolves to both replicas, as with a headless Service), and
`tests.images.balancer` for its load balancer.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dev.components import programs, responds, run_command, servers
from dev.ports import SERVICES, Ports, service_environment
from dev.seed import seed
from kit.auth import SigningKeys
from kit.testing import Postgres
from kit.testing.process import port_open
from kit.testing.servers import Server
from tests.images.podman import Podman

ADDRESSES = ("127.0.0.1", "127.0.0.2")
MIGRATING = tuple(name for name in SERVICES if name != "gateway")
_MIGRATE_SECONDS = 120
_PRODUCTS = 20


class Container(Server):
    """A replica of a service that runs from its image, ready once /readyz succeeds."""

    start_seconds = 120

    def __init__(
        self,
        name: str,
        podman: Podman,
        ports: Ports,
        state: Path,
        *,
        replica: int = 0,
    ) -> None:
        self.name = f"{name}-{replica + 1}"
        self.service = name
        self.address = ADDRESSES[replica]
        super().__init__(state, port=getattr(ports, name), log=state / "logs" / f"{self.name}.log")
        self._podman = podman
        self._starts, self._container = 0, ""
        self._environment = _environment(name, ports, state) | {
            "HTTP_HOST": self.address,
            "GRPC_HOST": self.address,
        }
        self._options = [f"--add-host={name}:{address}" for name in SERVICES for address in ADDRESSES]
        self._options.append(f"--volume={state}/signing-keys.json:/keys.json:ro")

    def environment(self) -> dict[str, str]:
        return self._podman.environment

    def command(self, *args: str) -> list[str]:
        # Only the server has a name: commands of the same image run at the same time.
        options = self._options if args else [f"--name={self._container}", *self._options]
        return self._podman.command(f"souk/{self.service}", *args, env=self._environment, options=options)

    def ready(self) -> bool:
        return responds(self.port, "/readyz", host=self.address)

    def prepare(self) -> None:
        # A container's name is still in use for a moment after its exit.
        self._starts += 1
        self._container = f"{self.name}-{self._starts}"

    def stop(self) -> None:
        if self.process is not None:
            self._podman.stop(self._container)
            self.process.stop()
            self.process = None

    def kill(self) -> None:
        if self.process is not None:
            self._podman.kill(self._container)
            self.process.stop()
            self.process = None

    def pid(self) -> int:
        """The pid of the process in the container."""
        return self._podman.pid(self._container)


class StripeMock(Container):
    """The Stripe mock from its image, ready once it listens."""

    def __init__(self, podman: Podman, ports: Ports, state: Path) -> None:
        super().__init__("gateway", podman, ports, state)
        self.name = self.service = "stripe-mock"
        self.log = state / "logs" / "stripe-mock.log"
        self.port = ports.stripe
        self._webhook = f"http://127.0.0.1:{ports.payment}/webhooks/stripe"

    def command(self, *args: str) -> list[str]:
        options = [f"--name={self._container}", "--tmpfs=/state:mode=1777"]
        args = ("--port", str(self.port), "--state", "/state", "--webhook", self._webhook)
        return self._podman.command("souk/stripe-mock", *args, env={}, options=options)

    def ready(self) -> bool:
        return port_open(self.port)


class Deployment:
    """All components, started in order and stopped in reverse."""

    def __init__(self, podman: Podman, ports: Ports, state: Path) -> None:
        self.ports = ports
        self._state = state
        self._servers = servers(ports, state)
        self._external: list[Server] = [
            program for program in programs(ports, state, mail="count") if program.name == "mail"
        ]
        self._external.append(StripeMock(podman, ports, state))
        self.replicas = {
            name: [
                Container(name, podman, ports, state, replica=replica) for replica in range(len(ADDRESSES))
            ]
            for name in SERVICES
        }

    @property
    def containers(self) -> list[Container]:
        """All components that run from an image."""
        external = [component for component in self._external if isinstance(component, Container)]
        return [*external, *(replica for replicas in self.replicas.values() for replica in replicas)]

    def start(self) -> None:
        """Starts everything; the images' own commands migrate and seed."""
        keys = self._state / "signing-keys.json"
        SigningKeys.generate(keys)
        # The image's user must be able to read them.
        keys.chmod(0o644)
        _start([*self._servers, *self._external])
        for server in self._servers:
            if isinstance(server, Postgres):
                for name in MIGRATING:
                    server.create_database(name)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._migrate, MIGRATING))
        _start([replica for replicas in self.replicas.values() for replica in replicas])
        seed(self.ports, self.replicas["account"][0], products=_PRODUCTS, report=lambda _: None)

    def stop(self) -> None:
        """Stops services first, while their servers are still up."""
        for group in ([*self.containers], self._external, self._servers):
            with ThreadPoolExecutor() as pool:
                list(pool.map(Server.stop, group))

    def stop_component(self, name: str, *, kill: bool = False) -> None:
        """Stops every replica of a service, with SIGKILL if `kill`."""
        for replica in self.replicas[name]:
            replica.kill() if kill else replica.stop()

    def start_component(self, name: str) -> None:
        """Starts them again and returns once they are ready."""
        _start(self.replicas[name])

    def roll(self, replica: Container) -> None:
        """Restarts one replica gracefully, while the other serves."""
        replica.stop()
        replica.start()

    def _migrate(self, name: str) -> None:
        result = run_command(self.replicas[name][0], "migrate", seconds=_MIGRATE_SECONDS)
        if result.returncode:
            raise RuntimeError(f"{name} migrate failed:\n{result.stdout}")


def _environment(name: str, ports: Ports, state: Path) -> dict[str, str]:
    """The environment of the local stack, but with peers' names instead of addresses."""
    environment = service_environment(name, ports, state)
    environment |= {
        f"{peer.upper()}_ADDRESS": f"{peer}:{getattr(ports, peer + '_grpc')}" for peer in MIGRATING
    }
    environment["JWKS_URL"] = f"http://account:{ports.account}/.well-known/jwks.json"
    if name == "gateway":
        # As in a cluster: time for clients with open connections to learn that this replica is terminating.
        environment["DRAIN_SECONDS"] = "6"
    return environment | {"SIGNING_KEYS_FILE": "/keys.json"}


def _start(components: Sequence[Server]) -> None:
    # Two at a time, because a small machine has two processors.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Server.start, components))
