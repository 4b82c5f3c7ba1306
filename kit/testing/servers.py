"""PostgreSQL and Redis for tests and the local stack: command, configuration, readiness and stop."""

import shutil
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

from kit.testing.conditions import TimedOut, wait_until
from kit.testing.process import ChildProcess, drop_privileges, free_port, port_open


class Server(ABC):
    """A server on 127.0.0.1 with its data in a folder; can be restarted on the same port."""

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
        """The command that runs it in the foreground."""

    @abstractmethod
    def ready(self) -> bool:
        """Whether it responds."""

    def prepare(self) -> None:  # noqa: B027
        """Prepares the data folder before each start."""

    def environment(self) -> dict[str, str]:
        """Additional environment variables."""
        return {}

    def start(self) -> None:
        """Starts it and waits until it responds; raises TimedOut with its last output."""
        self.launch()
        self.await_ready()

    def launch(self) -> None:
        """Starts it without waiting."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        self.process = ChildProcess(self.name, self.command(), log=self.log, env=self.environment())

    def await_ready(self) -> None:
        """Waits until it responds; raises TimedOut with its last output when it exits or takes too long."""
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
        """Stops it gracefully, without data loss."""
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
        """Continues it (SIGCONT)."""
        assert self.process is not None
        self.process.resume()


class Postgres(Server):
    """PostgreSQL 15 with the superuser `souk`, without a password on the loopback.

    `durable=False`, for tests only, disables fsync. `configuration` overrides server parameters.
    """

    name = "postgresql"
    # Fast shutdown: closes sessions and flushes data.
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
        """The URL of a database."""
        return f"postgresql://souk:souk@127.0.0.1:{self.port}/{database}"

    def prepare(self) -> None:
        if (self._data / "PG_VERSION").exists():
            # Left by a killed server; another process of our namespace may have its pid by now. Only we use this folder.
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
            # Socket paths are limited to 107 characters, and folders of tests are longer.
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
        # With user and database, because the server would log the attempt with others.
        options = ["-q", "-h", "127.0.0.1", "-p", str(self.port), "-U", "souk", "-d", "postgres"]
        probe = [program("pg_isready"), *options]
        return port_open(self.port) and subprocess.run(probe, check=False).returncode == 0

    def create_database(self, name: str) -> None:
        """Creates a database unless it exists."""
        probe = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "souk"]
        query = [program("psql"), *probe, "-d", "postgres", "-Atc", "SELECT datname FROM pg_database"]
        if name not in _output(query).split():
            _output([program("createdb"), *probe, name])


class Redis(Server):
    """Redis for caches only, so it writes nothing to disk."""

    name = "redis"

    def url(self) -> str:
        """Its URL."""
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
    """The path of one of PostgreSQL's programs, which Debian does not put on PATH."""
    debian = Path("/usr/lib/postgresql/15/bin", name)
    return str(debian) if debian.exists() else name


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed:\n{done.stdout}{done.stderr}")
    return done.stdout
