"""The parts of the local stack: real servers and our own processes, each started, stopped and killed in the same way."""

import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from dev.ports import SERVICES, Ports, service_environment
from dev.prometheus import write_config
from kit.testing import Elasticsearch, Kafka, Postgres, Redis
from kit.testing.process import port_open
from kit.testing.servers import Server


def runfile(path: str) -> Path | None:
    """A file of the build, under Bazel."""
    runfiles = os.environ.get("RUNFILES_DIR")
    found = Path(runfiles, path) if runfiles else None
    return found if found and found.exists() else None


# On one machine for all, those that nobody waits for let the others go first.
_BACKGROUND = ("payment", "notification")


def _yielding(argv: list[str]) -> list[str]:
    """The command with a low priority, among sessions too: each child has one of its own, and Linux weighs these first (autogroup)."""
    script = 'echo 10 > /proc/self/autogroup 2> /dev/null; exec nice -n 10 "$@"'
    return ["sh", "-c", script, "sh", *argv]


class Service(Server):
    """A replica of one of the six services; ready once it says so at /readyz. The first has the service's name, the second `order-2`."""

    def __init__(
        self, service: str, ports: Ports, state: Path, *, replica: int = 0, more: Sequence[Ports] = ()
    ) -> None:
        self.service = service
        self.name = f"{service}-{replica + 1}" if replica else service
        port = getattr((ports, *more)[replica], service)
        super().__init__(state, port=port, log=state / "logs" / f"{self.name}.log")
        self.yields = service in _BACKGROUND
        self._environment = service_environment(service, ports, state, replica=replica, more=more)

    def environment(self) -> dict[str, str]:
        return self._environment

    def adjust(self, change: Callable[[str, dict[str, str]], dict[str, str]]) -> None:
        """Changes what it is told from its next start on; `change` gets its name and what it would be told."""
        self._environment = change(self.name, self._environment)

    def command(self, *arguments: str) -> list[str]:
        server = runfile(f"souk/{self.service}/server")
        argv = [*([str(server)] if server else [sys.executable, "-m", self.service]), *arguments]
        # Only what serves has a session of its own: a command would make its caller's yield, the terminal's or the whole test's.
        return _yielding(argv) if self.yields and not arguments else argv

    def ready(self) -> bool:
        return answers(self.port, "/readyz")


class Program(Server):
    """A process that is ready once it listens."""

    def __init__(self, name: str, argv: list[str], *, port: int, state: Path) -> None:
        self.name = name
        super().__init__(state, port=port, log=state / "logs" / f"{name}.log")
        self._argv = argv
        self.yields = True

    def command(self) -> list[str]:
        return _yielding(self._argv) if self.yields else self._argv

    def environment(self) -> dict[str, str]:
        # Our own modules are found as we were.
        return {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}

    def ready(self) -> bool:
        return port_open(self.port)


def answers(port: int, path: str, *, host: str = "127.0.0.1") -> bool:
    """Whether HTTP answers 200 there."""
    connection = http.client.HTTPConnection(host, port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def servers(ports: Ports, state: Path) -> list[Server]:
    """The databases and brokers."""
    data, logs = state / "data", state / "logs"
    return [
        Postgres(data / "postgresql", port=ports.postgresql, log=logs / "postgresql.log"),
        Redis(data / "redis", port=ports.redis, log=logs / "redis.log"),
        Kafka(
            data / "kafka",
            port=ports.kafka,
            controller_port=ports.kafka_controller,
            log=logs / "kafka.log",
        ),
        Elasticsearch(data / "elasticsearch", port=ports.elasticsearch, log=logs / "elasticsearch.log"),
    ]


def programs(ports: Ports, state: Path, *, mail: str, more: Sequence[Ports] = ()) -> list[Program]:
    """The stand-ins for the outside, and Prometheus where it is installed; `mail` is maildev or count. `more`: of further replicas."""
    webhooks = [f"http://127.0.0.1:{each.payment}/webhooks/stripe" for each in (ports, *more)]
    python = [sys.executable, "-S", "-P", "-m"]
    found = [
        Program(
            "stripe",
            [
                *python,
                "dev.stripe_mock",
                "--port",
                str(ports.stripe),
                "--state",
                str(state / "data" / "stripe"),
                *(word for url in webhooks for word in ("--webhook", url)),
            ],
            port=ports.stripe,
            state=state,
        ),
        _mail(ports, state, python, mail),
    ]
    if mail == "maildev" and shutil.which("prometheus"):
        found.append(_prometheus(ports, state))
    return found


def _mail(ports: Ports, state: Path, python: list[str], mail: str) -> Program:
    maildev = runfile("npm/node_modules/maildev/dist/bin/maildev.js")
    if mail == "count" or maildev is None:
        folder = state / "data" / "received"
        folder.mkdir(parents=True, exist_ok=True)
        argv = [
            *python,
            "dev.smtp_sink",
            str(ports.smtp),
            str(ports.mail_web),
            str(folder / "mails.jsonl"),
        ]
    else:
        options = {"--ip": "127.0.0.1", "--smtp": str(ports.smtp), "--web": str(ports.mail_web)}
        options |= {
            "--web-ip": "127.0.0.1",
            "--max-emails": "2000",
            "--mail-directory": str(state / "data" / "mail"),
        }
        argv = ["node", str(maildev), *(word for option in options.items() for word in option), "--silent"]
    return Program("mail", argv, port=ports.smtp, state=state)


def _prometheus(ports: Ports, state: Path) -> Program:
    folder = state / "data" / "prometheus"
    config = write_config(folder, {name: f"127.0.0.1:{getattr(ports, name)}" for name in SERVICES})
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder}/data", "--log.level=warn"]
    listen = f"--web.listen-address=127.0.0.1:{ports.prometheus}"
    return Program("prometheus", ["prometheus", *options, listen], port=ports.prometheus, state=state)


def services(
    names: tuple[str, ...], ports: Ports, state: Path, more: Sequence[Ports] = ()
) -> Mapping[str, Service]:
    """Our services and their further replicas, by name."""
    found = [
        Service(name, ports, state, replica=replica, more=more)
        for replica in range(1 + len(more))
        for name in names
    ]
    return {part.name: part for part in found}


class Runnable(Protocol):
    """A service, wherever it runs."""

    def command(self, *words: str) -> list[str]:
        """The command line of one of its commands."""

    def environment(self) -> dict[str, str]:
        """What it is told."""


def run_command(part: Runnable, *words: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Runs one of a service's own commands to its end."""
    return subprocess.run(
        part.command(*words),
        env={**os.environ, **part.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
