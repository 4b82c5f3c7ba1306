"""Souk as a cluster runs it: every service from its image under podman, two replicas each, against real servers.

What a cluster's network does is done by hosts files (a service's name stands for the addresses of both replicas, as a headless Service's
does) and, for shoppers, by `Balancer`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dev.parts import answers, programs, run_command, servers
from dev.ports import SERVICES, Ports, service_environment
from dev.seed import seed
from kit.auth import SigningKeys
from kit.testing import Postgres
from kit.testing.process import port_open
from kit.testing.servers import Server
from tests.images.podman import Podman

ADDRESSES = ("127.0.0.1", "127.0.0.2")
MIGRATING = tuple(name for name in SERVICES if name != "gateway")
# A cluster's proxies hear a little later than the replica itself that it is to end.
_WITHDRAWN_AFTER_SECONDS = 0.5
_MIGRATE_SECONDS = 120
_PRODUCTS = 20


class Container(Server):
    """An image that runs; a service is ready once it says so at /readyz."""

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
        self._told = _told(name, ports, state) | {"HTTP_HOST": self.address, "GRPC_HOST": self.address}
        self._options = [f"--add-host={name}:{address}" for name in SERVICES for address in ADDRESSES]
        self._options.append(f"--volume={state}/signing-keys.json:/keys.json:ro")

    def environment(self) -> dict[str, str]:
        return self._podman.environment

    def command(self, *words: str) -> list[str]:
        # Only what serves has a name: commands of the same image run beside it.
        options = self._options if words else [f"--name={self._container}", *self._options]
        return self._podman.command(f"souk/{self.service}", *words, env=self._told, options=options)

    def ready(self) -> bool:
        return answers(self.port, "/readyz", host=self.address)

    def prepare(self) -> None:
        # A name is free again a little later than its container has ended.
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
        """The process in the container."""
        return self._podman.pid(self._container)


class StripeMock(Container):
    """The provider's stand-in, from its image; ready once it listens."""

    def __init__(self, podman: Podman, ports: Ports, state: Path) -> None:
        super().__init__("gateway", podman, ports, state)
        self.name = self.service = "stripe-mock"
        self.log = state / "logs" / "stripe-mock.log"
        self.port = ports.stripe
        self._webhook = f"http://127.0.0.1:{ports.payment}/webhooks/stripe"

    def command(self, *words: str) -> list[str]:
        options = [f"--name={self._container}", "--tmpfs=/state:mode=1777"]
        words = ("--port", str(self.port), "--state", "/state", "--webhook", self._webhook)
        return self._podman.command("souk/stripe-mock", *words, env={}, options=options)

    def ready(self) -> bool:
        return port_open(self.port)


class Deployment:
    """All of it, started in order and stopped in reverse."""

    def __init__(self, podman: Podman, ports: Ports, state: Path) -> None:
        self.ports = ports
        self._state = state
        self._servers = servers(ports, state)
        self._outside: list[Server] = [
            part for part in programs(ports, state, mail="count") if part.name == "mail"
        ]
        self._outside.append(StripeMock(podman, ports, state))
        self.replicas = {
            name: [
                Container(name, podman, ports, state, replica=replica) for replica in range(len(ADDRESSES))
            ]
            for name in SERVICES
        }

    @property
    def containers(self) -> list[Container]:
        """Everything that runs from an image."""
        outside = [part for part in self._outside if isinstance(part, Container)]
        return [*outside, *(replica for replicas in self.replicas.values() for replica in replicas)]

    def start(self) -> None:
        """Starts everything, migrates and seeds as the images' own commands do it."""
        keys = self._state / "signing-keys.json"
        SigningKeys.generate(keys)
        # Whoever the image runs as has to read them.
        keys.chmod(0o644)
        _start([*self._servers, *self._outside])
        for server in self._servers:
            if isinstance(server, Postgres):
                for name in MIGRATING:
                    server.create_database(name)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(self._migrate, MIGRATING))
        _start([replica for replicas in self.replicas.values() for replica in replicas])
        seed(self.ports, self.replicas["account"][0], products=_PRODUCTS, say=lambda _: None)

    def stop(self) -> None:
        """Services first, so that they let go of the servers."""
        for group in ([*self.containers], self._outside, self._servers):
            with ThreadPoolExecutor() as pool:
                list(pool.map(Server.stop, group))

    def stop_part(self, name: str, *, kill: bool = False) -> None:
        """Stops every replica of a service, or ends them with kill -9."""
        for replica in self.replicas[name]:
            replica.kill() if kill else replica.stop()

    def start_part(self, name: str) -> None:
        """Starts them again and returns once they are ready."""
        _start(self.replicas[name])

    def roll(self, replica: Container) -> None:
        """Ends one replica in order and starts it again, while the other serves."""
        replica.stop()
        replica.start()

    def _migrate(self, name: str) -> None:
        done = run_command(self.replicas[name][0], "migrate", seconds=_MIGRATE_SECONDS)
        if done.returncode:
            raise RuntimeError(f"{name} migrate failed:\n{done.stdout}")


class Balancer:
    """A TCP proxy before replicas of one port, each connection to the next of them: what a Service is to its clients."""

    def __init__(self, port: int, addresses: Iterable[str] = ADDRESSES) -> None:
        self._port = port
        self._addresses = list(addresses)
        self._next = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where clients come in."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> "Balancer":
        self._server = await asyncio.start_server(self._connected, "127.0.0.1")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    @contextlib.asynccontextmanager
    async def without(self, address: str) -> AsyncIterator[None]:
        """New connections go elsewhere, soon; those that are there go on."""
        removing = asyncio.create_task(self._remove(address))
        try:
            yield
        finally:
            await removing
            self._addresses.append(address)

    async def _remove(self, address: str) -> None:
        await asyncio.sleep(_WITHDRAWN_AFTER_SECONDS)
        self._addresses.remove(address)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._next += 1
        address = self._addresses[self._next % len(self._addresses)]
        try:
            inner_reader, inner_writer = await asyncio.open_connection(address, self._port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pipe(reader, inner_writer), _pipe(inner_reader, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    # Either side may go at any time: the other is told so by the end of its connection.
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()


def _told(name: str, ports: Ports, state: Path) -> dict[str, str]:
    """As the local stack tells its services, but that peers are found by name."""
    told = service_environment(name, ports, state)
    told |= {f"{peer.upper()}_ADDRESS": f"{peer}:{getattr(ports, peer + '_grpc')}" for peer in MIGRATING}
    told["JWKS_URL"] = f"http://account:{ports.account}/.well-known/jwks.json"
    if name == "gateway":
        # As in a cluster: time for whoever keeps connections open to learn that this replica goes.
        told["DRAIN_SECONDS"] = "6"
    return told | {"SIGNING_KEYS_FILE": "/keys.json"}


def _start(parts: Sequence[Server]) -> None:
    # Two at a time: as many as the machine may have processors.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(Server.start, parts))
