"""The components of the local stack: servers and our own processes, started, stopped and killed in the same way."""

import http.client
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from dev.backups import Backups
from dev.ports import SERVICES, Ports, service_environment
from dev.prometheus import SCRAPE_SECONDS, write_config
from kit.testing import Elasticsearch, Kafka, Postgres, Redis
from kit.testing.process import port_open
from kit.testing.servers import Server


def runfile(path: str) -> Path | None:
    """The path of a build output; None outside of Bazel."""
    runfiles = os.environ.get("RUNFILES_DIR")
    file = Path(runfiles, path) if runfiles else None
    return file if file and file.exists() else None


LOG_STORE = "log-store"
# No user waits for these: on a shared machine the other services run first.
_BACKGROUND = ("payment", "notification")


def _low_priority(argv: list[str]) -> list[str]:
    """The command with a low priority. Linux schedules sessions first (autogroup), and every child has its own, so that is lowered too."""
    script = 'echo 10 > /proc/self/autogroup 2> /dev/null; exec nice -n 10 "$@"'
    return ["sh", "-c", script, "sh", *argv]


class Service(Server):
    """A replica of one of the six services, ready once /readyz succeeds. The first is named `order`, the second `order-2`."""

    def __init__(
        self,
        service: str,
        ports: Ports,
        state: Path,
        *,
        replica: int = 0,
        replica_ports: Sequence[Ports] = (),
    ) -> None:
        self.service = service
        self.name = f"{service}-{replica + 1}" if replica else service
        port = getattr((ports, *replica_ports)[replica], service)
        super().__init__(state, port=port, log=state / "logs" / f"{self.name}.log")
        self.low_priority = service in _BACKGROUND
        self._environment = service_environment(
            service, ports, state, replica=replica, replica_ports=replica_ports
        )

    def environment(self) -> dict[str, str]:
        return self._environment

    def override_environment(self, change: Callable[[str, dict[str, str]], dict[str, str]]) -> None:
        """Changes its environment from the next start on; `change` gets its name and its current environment."""
        self._environment = change(self.name, self._environment)

    def command(self, *arguments: str) -> list[str]:
        server = runfile(f"souk/{self.service}/server")
        argv = [*([str(server)] if server else [sys.executable, "-m", self.service]), *arguments]
        # Only the server has its own session: a command shares its caller's, whose priority would be lowered too.
        return _low_priority(argv) if self.low_priority and not arguments else argv

    def ready(self) -> bool:
        return responds(self.port, "/readyz")


class Program(Server):
    """Another process, ready once it listens on its port."""

    def __init__(self, name: str, argv: list[str], *, port: int, state: Path) -> None:
        self.name = name
        super().__init__(state, port=port, log=state / "logs" / f"{name}.log")
        self._argv = argv
        self.low_priority = True

    def command(self) -> list[str]:
        return _low_priority(self._argv) if self.low_priority else self._argv

    def environment(self) -> dict[str, str]:
        # It imports our own modules.
        return {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}

    def ready(self) -> bool:
        return port_open(self.port)


def responds(port: int, path: str, *, host: str = "127.0.0.1") -> bool:
    """Whether GET returns 200."""
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
        Postgres(
            data / "postgresql",
            port=ports.postgresql,
            log=logs / "postgresql.log",
            configuration=Backups(state / "backups").configuration(),
        ),
        Redis(data / "redis", port=ports.redis, log=logs / "redis.log"),
        Kafka(
            data / "kafka",
            port=ports.kafka,
            controller_port=ports.kafka_controller,
            log=logs / "kafka.log",
        ),
        Elasticsearch(data / "elasticsearch", port=ports.elasticsearch, log=logs / "elasticsearch.log"),
    ]


def programs(
    ports: Ports, state: Path, *, mail: str, replica_ports: Sequence[Ports] = (), observed: bool = False
) -> list[Program]:
    """The Stripe mock, a mail server (`mail`: maildev or count), the storefront if it is built, and Prometheus if it is installed.

    `observed`: the log store too, if it is built.
    """
    webhooks = [f"http://127.0.0.1:{replica.payment}/webhooks/stripe" for replica in (ports, *replica_ports)]
    python = [sys.executable, "-S", "-P", "-m"]
    started = [
        Program(
            "stripe",
            [
                *python,
                "dev.stripe_mock",
                "--port",
                str(ports.stripe),
                "--state",
                str(state / "data" / "stripe"),
                *(arg for url in webhooks for arg in ("--webhook", url)),
            ],
            port=ports.stripe,
            state=state,
        ),
        _mail(ports, state, python, mail),
    ]
    if page := runfile("souk/examples/storefront/index.html"):
        started.append(_storefront(ports, state, python, page.parent))
    if mail == "maildev" and shutil.which("prometheus"):
        started.append(prometheus(ports, state))
    if observed and (store := runfile("victorialogs/bin/victoria-logs")):
        started.append(_log_store(store, ports, state))
    return started


def _log_store(binary: Path, ports: Ports, state: Path) -> Program:
    """Keeps days of records as long as they fit into a size; whole days are dropped first, the current one never."""
    options = {
        "httpListenAddr": f"127.0.0.1:{ports.logs}",
        "storageDataPath": str(state / "data" / "logs"),
        "retentionPeriod": os.environ.get("SOUK_LOGS_RETENTION", "7d"),
        "retention.maxDiskSpaceUsageBytes": os.environ.get("SOUK_LOGS_SIZE", "512MiB"),
        "memory.allowedBytes": "64MiB",
        "loggerLevel": "WARN",
    }
    # Without CORS, so that no page of another origin can read the records.
    argv = [str(binary), "-http.disableCORS", *(f"-{name}={value}" for name, value in options.items())]
    return Program(LOG_STORE, argv, port=ports.logs, state=state)


def _storefront(ports: Ports, state: Path, python: list[str], files: Path) -> Program:
    addresses = [f"http://127.0.0.1:{port}" for port in (ports.gateway, ports.stripe)]
    argv = [*python, "examples.storefront.server", str(ports.storefront), str(files), *addresses]
    return Program("storefront", argv, port=ports.storefront, state=state)


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
        argv = ["node", str(maildev), *(arg for option in options.items() for arg in option), "--silent"]
    return Program("mail", argv, port=ports.smtp, state=state)


def prometheus(ports: Ports, state: Path, *, scrape_seconds: int = SCRAPE_SECONDS) -> Program:
    """Prometheus, which scrapes the services at these ports."""
    folder = state / "data" / "prometheus"
    addresses = {name: f"127.0.0.1:{getattr(ports, name)}" for name in SERVICES}
    config = write_config(folder, addresses, scrape_seconds=scrape_seconds)
    options = [f"--config.file={config}", f"--storage.tsdb.path={folder}/data", "--log.level=warn"]
    listen = f"--web.listen-address=127.0.0.1:{ports.prometheus}"
    return Program("prometheus", ["prometheus", *options, listen], port=ports.prometheus, state=state)


def _send_spans(ports: Ports) -> Callable[[str, dict[str, str]], dict[str, str]]:
    """Changes the environment of a service so that the supervisor gets its spans; the caller's own variables win."""

    def change(name: str, environment: dict[str, str]) -> dict[str, str]:
        service = name.partition("-")[0]
        own = {
            "OTLP_ENDPOINT": f"http://127.0.0.1:{ports.start_page}",
            # Requests start in the gateway, work in these; the other services follow, and have only periodic jobs of their own.
            "TRACE_SAMPLE_RATIO": "1" if service in ("gateway", *_BACKGROUND) else "0",
            # Milliseconds: a developer looks for a request right after it.
            "OTEL_BSP_SCHEDULE_DELAY": "1000",
        }
        return environment | {variable: os.environ.get(variable, value) for variable, value in own.items()}

    return change


def services(
    names: tuple[str, ...],
    ports: Ports,
    state: Path,
    replica_ports: Sequence[Ports] = (),
    *,
    traced: bool = False,
) -> Mapping[str, Service]:
    """Our services and their further replicas, by name; `traced`: the supervisor gets their spans."""
    replicas = [
        Service(name, ports, state, replica=replica, replica_ports=replica_ports)
        for replica in range(1 + len(replica_ports))
        for name in names
    ]
    if traced:
        for service in replicas:
            service.override_environment(_send_spans(ports))
    return {replica.name: replica for replica in replicas}


class Runnable(Protocol):
    """A service, as a process or in a container."""

    def command(self, *args: str) -> list[str]:
        """The command line of one of its commands."""

    def environment(self) -> dict[str, str]:
        """Its environment variables."""


def run_command(service: Runnable, *args: str, seconds: float) -> subprocess.CompletedProcess[str]:
    """Runs one of a service's own commands and waits for it."""
    return subprocess.run(
        service.command(*args),
        env={**os.environ, **service.environment()},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
        check=False,
    )
