"""A stack whose services run in an older version first, and are then replaced one by one, as a Deployment does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from dev.components import Service, programs, run_command, servers
from dev.ports import SERVICES, Ports
from dev.stack import StackError
from kit.testing import Postgres
from kit.testing.servers import Server
from tests.e2e.shop import Shop
from tests.images.balancer import Balancer, Endpoint
from tests.upgrade.version import Version

# The order of docs/operations/upgrade.md.
ROLLOUT: Final = ("account", "catalog", "payment", "order", "notification", "gateway")
MIGRATING: Final = tuple(name for name in ROLLOUT if name != "gateway")
# Durable, with autovacuum: as in production.
DATABASE: Final = {"shared_buffers": "1GB", "maintenance_work_mem": "256MB", "max_wal_size": "4GB"}
_START_SECONDS: Final = 180.0
_COMMAND_SECONDS: Final = 7200.0
_SETTINGS: Final = {
    # Passwords are hashed in idle CPU time only, of which a machine that also runs all servers has little.
    "BCRYPT_COST": "10",
    # As in a cluster: time for clients with open connections to learn that this replica is terminating.
    "DRAIN_SECONDS": "6",
}


class Replica(Service):
    """A replica of a service in one version; `old` is None for the version that this program is part of."""

    start_seconds = _START_SECONDS

    def __init__(self, service: str, ports: Ports, state: Path, surge: Ports, old: Version | None) -> None:
        super().__init__(service, ports, state, replica=0 if old else 1, replica_ports=[surge])
        self._old = old
        self.low_priority = False

    @property
    def endpoint(self) -> Endpoint:
        """Address and port of its HTTP server."""
        return "127.0.0.1", self.port

    def command(self, *arguments: str) -> list[str]:
        if self._old:
            return self._old.service(self.service, *arguments)
        return super().command(*arguments)

    def environment(self) -> dict[str, str]:
        return super().environment() | _SETTINGS | (self._old.environment() if self._old else {})


class UpgradeStack:
    """Servers on a filled PostgreSQL, and for each service a replica of the old version and one of the new."""

    def __init__(self, old: Version, database: Path, state: Path) -> None:
        self.ports, surge = Ports.free(), Ports.free()
        postgresql = Postgres(
            database,
            port=self.ports.postgresql,
            log=state / "logs" / "postgresql.log",
            configuration=DATABASE,
        )
        postgresql.start_seconds = _START_SECONDS
        self._servers: list[Server] = [
            postgresql,
            *(server for server in servers(self.ports, state) if not isinstance(server, Postgres)),
            *programs(self.ports, state, mail="count", replica_ports=[surge]),
        ]
        self._old, self._new = (
            {name: Replica(name, self.ports, state, surge, version) for name in SERVICES}
            for version in (old, None)
        )
        self._balancers: Mapping[str, Balancer] = {
            name: Balancer([self._old[name].endpoint]) for name in ("account", "gateway")
        }

    def shop(self) -> Shop:
        """A client of the gateway."""
        return Shop(
            self._balancers["gateway"].url,
            mails=f"http://127.0.0.1:{self.ports.mail_web}",
            stripe=f"http://127.0.0.1:{self.ports.stripe}",
        )

    def database(self, service: str) -> str:
        """The URL of a service's database."""
        return f"postgresql://souk:souk@127.0.0.1:{self.ports.postgresql}/{service}"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Starts the servers and the old version, and stops everything."""
        async with self._balancers["account"], self._balancers["gateway"]:
            keys = f"{self._balancers['account'].url}/.well-known/jwks.json"
            for replica in (*self._old.values(), *self._new.values()):
                replica.override_environment(lambda _, environment: environment | {"JWKS_URL": keys})
            try:
                await _for_all(Server.start, self._servers)
                # Topics; the databases are up to date.
                for name in MIGRATING:
                    await self._command(self._old[name], "migrate")
                await _for_all(Server.start, self._old.values())
                await self._command(self._old["catalog"], "reindex")
                yield
            finally:
                await _for_all(Server.stop, [*self._old.values(), *self._new.values()])
                await _for_all(Server.stop, self._servers)

    async def migrate(self, service: str) -> None:
        """Applies the new version's migrations of a service; raises StackError."""
        await self._command(self._new[service], "migrate")

    async def roll(self, service: str) -> None:
        """Starts the new version of a service, and then stops the old one."""
        old, new, balancer = self._old[service], self._new[service], self._balancers.get(service)
        await asyncio.to_thread(new.start)
        if balancer:
            balancer.add(new.endpoint)
            await asyncio.gather(balancer.remove(old.endpoint), asyncio.to_thread(old.stop))
        else:
            await asyncio.to_thread(old.stop)

    def exited(self) -> list[str]:
        """The services that ended without having been stopped."""
        return [
            f"{replica.name} exited with status {replica.process.status}:\n{replica.process.tail()}"
            for replica in (*self._old.values(), *self._new.values())
            if replica.process is not None and replica.process.status is not None
        ]

    async def _command(self, replica: Replica, *arguments: str) -> None:
        result = await asyncio.to_thread(run_command, replica, *arguments, seconds=_COMMAND_SECONDS)
        if result.returncode:
            raise StackError(f"{replica.name} {' '.join(arguments)} failed:\n{result.stdout}")


async def _for_all(action: Callable[[Server], None], components: Iterable[Server]) -> None:
    await asyncio.gather(*(asyncio.to_thread(action, component) for component in components))
