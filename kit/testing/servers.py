"""PostgreSQL and Redis as the tests and the local stack run them: one definition of command, configuration, readiness and stop."""

import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from kit.testing.conditions import TimedOut, wait_until
from kit.testing.process import ChildProcess, drop_privileges, free_port, port_open


class Server(ABC):
    """A server on 127.0.0.1 with its data in a folder; started and stopped as often as one likes, on the same port."""

    name: str
    start_seconds: float = 60
    stop_signal: signal.Signals = signal.SIGTERM

    def __init__(self, folder: Path, *, port: int = 0, log: Path | None = None) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.log = log or folder / f"{self.name}.log"
        self.process: ChildProcess | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The command in the foreground."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it answers."""

    def prepare(self) -> None:  # noqa: B027
        """Makes the data folder ready, before the first start and again before each other."""

    def environment(self) -> dict[str, str]:
        """Variables beside our own."""
        return {}

    def start(self) -> None:
        """Starts it and returns once it answers; raises NotInTime with its last lines when it does not."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Starts it and returns at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        self.process = ChildProcess(self.name, self.command(), log=self.log, env=self.environment())

    def await_ready(self) -> None:
        """Returns once it answers; raises NotInTime with its last lines when it ends or does not answer in time."""
        process = self.process
        if process is None:
            raise RuntimeError(f"{self.name} was not started")
        try:
            wait_until(
                lambda: process.status is not None or self.ready(),
                f"{self.name} ready",
                seconds=self.start_seconds,
            )
        except TimedOut as error:
            raise TimedOut(f"{error}\n{process.tail()}") from None
        if process.status is not None:
            raise TimedOut(f"{self.name} ended with status {process.status}:\n{process.tail()}")

    def stop(self) -> None:
        """Stops it in order; nothing is lost."""
        if self.process is not None:
            self.process.stop(self.stop_signal)
            self.process = None

    def kill(self) -> None:
        """kill -9."""
        if self.process is not None:
            self.process.kill()
            self.process = None

    def pause(self) -> None:
        """Freezes it (SIGSTOP)."""
        assert self.process is not None
        self.process.pause()

    def resume(self) -> None:
        """Lets it go on (SIGCONT)."""
        assert self.process is not None
        self.process.resume()


class Postgres(Server):
    """PostgreSQL 15 with the superuser `souk`, who needs no password on the loopback.

    `durable=False` is for tests only: it does not wait for the disk. `configuration` overrides parameters of the server.
    """

    name = "postgresql"
    # Fast shutdown: sessions are ended, data is flushed.
    stop_signal = signal.SIGINT

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        log: Path | None = None,
        durable: bool = True,
        configuration: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(folder, port=port, log=log)
        self._durable = durable
        self._configuration = configuration or {}
        self._data = folder / "data"

    def url(self, database: str = "postgres") -> str:
        """Where a client finds a database."""
        return f"postgresql://souk:souk@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        if (self._data / "PG_VERSION").exists():
            # A killed server leaves it, and a process of our namespace may have its pid by now; only we use this folder.
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            return
        shutil.rmtree(self._data, ignore_errors=True)
        options = [
            "-D",
            str(self._data),
            "-U",
            "souk",
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
        ]
        command = [program("initdb"), *options, *([] if self._durable else ["--no-sync"])]
        _output(drop_privileges(command))

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            # Paths of sockets may be 107 characters long at most, and folders of tests are longer.
            "unix_socket_directories": "",
            "max_connections": "150",
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        settings |= self._configuration
        options = [f"--{key}={value}" for key, value in settings.items()]
        return drop_privileges([program("postgres"), "-D", str(self._data), *options])

    def ready(self) -> bool:
        probe = [program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return port_open(self.port) and subprocess.run(probe, check=False).returncode == 0

    def create_database(self, name: str) -> None:
        """Makes a database unless it is there."""
        probe = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "souk"]
        query = [program("psql"), *probe, "-d", "postgres", "-Atc", "SELECT datname FROM pg_database"]
        if name not in _output(query).split():
            _output([program("createdb"), *probe, name])


class Redis(Server):
    """Redis; it holds caches only, so nothing is written to disk."""

    name = "redis"

    def url(self) -> str:
        """Where a client finds it."""
        return f"redis://127.0.0.1:{self.port}/0"

    def command(self) -> list[str]:
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        return [
            "redis-server",
            *options,
            "--dir",
            str(self.folder),
            "--maxmemory",
            "128mb",
            "--maxmemory-policy",
            "allkeys-lru",
        ]

    def ready(self) -> bool:
        return port_open(self.port)


def program(name: str) -> str:
    """One of PostgreSQL's programs, which Debian keeps off PATH."""
    debian = Path("/usr/lib/postgresql/15/bin", name)
    return str(debian) if debian.exists() else name


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
