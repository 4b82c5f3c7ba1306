"""All of Souk on this machine: real servers and the six services as child processes. `make run` runs `python -m dev.stack`.

It shows progress, seeds development logins and a catalogue, prints the addresses, and stops cleanly on Ctrl-C. If a component exits, it
prints its name and last log lines and stops the stack. All state is in one folder (.souk) and survives a restart.
"""

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from dev.components import LOG_STORE, Service, programs, run_command, runfile, servers, services
from dev.control import Control
from dev.dashboards.server import Dashboards
from dev.ports import SERVICES, Ports, addresses
from dev.prometheus import SCRAPE_SECONDS
from dev.seed import LOGINS, seed
from dev.start_page.server import StartPage
from kit.identity import Identity
from kit.testing import Postgres
from kit.testing.servers import Server

_MIGRATE_SECONDS = 120
_POLL_SECONDS = 0.2


class StackError(Exception):
    """The stack could not start; the message is printed to the user."""


class Stack:
    """All components, started in order and stopped in reverse."""

    def __init__(
        self,
        state: Path,
        ports: Ports,
        *,
        names: Sequence[str] = SERVICES,
        products: int = 1000,
        mail: str = "maildev",
        quiet: bool = False,
        rules: bool = False,
        replica_ports: Sequence[Ports] = (),
        observed: bool = False,
    ) -> None:
        """`rules`: also taxes, shipping and variants. `replica_ports`: of further replicas, for tests. `observed`: with a log store."""
        self.state = state
        self.ports = ports
        self.products = products
        self.rules = rules
        self.servers = servers(ports, state)
        self.programs = programs(ports, state, mail=mail, replica_ports=replica_ports, observed=observed)
        stored = LOG_STORE in {program.name for program in self.programs}
        self.services = services(tuple(names), ports, state, replica_ports, traced=stored)
        self._quiet = quiet
        self._lock = threading.RLock()
        self._page: StartPage | None = None
        self.restarts: Counter[str] = Counter()
        # Components that were stopped on request, or replaced by `bazel run`.
        self._expected_down: set[str] = set()

    @property
    def components(self) -> dict[str, Server]:
        """All components by name, in the order in which they start."""
        return {
            component.name: component
            for component in [*self.servers, *self.programs, *self.services.values()]
        }

    def start(self) -> None:
        """Starts and seeds everything; stops it again if that fails. Raises StackError."""
        self.state.mkdir(parents=True, exist_ok=True)
        if conflicts := self.ports.conflicts():
            raise StackError("\n".join(conflicts))
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        start = time.monotonic()
        self._page = StartPage(self, self.ports, self.state).__enter__()
        self._start_all([*self.servers, *self.programs])
        self._create_databases()
        self._migrate()
        self._start_all(list(self.services.values()))
        if set(SERVICES) <= self.services.keys():
            self._report("seeding", "logins and catalogue")
            self._seed()
        self._report("ready", f"after {time.monotonic() - start:.0f} s")

    def stop(self) -> None:
        """Stops everything in reverse: services first, while their servers are still up."""
        with self._lock:
            running = [component for component in self.components.values() if component.process is not None]
            for group in (list(self.services.values()), self.programs, self.servers):
                with ThreadPoolExecutor() as pool:
                    list(pool.map(Server.stop, [component for component in group if component in running]))
            if self._page:
                self._page.close()
                self._page = None
            if running:
                self._report("stopped", f"{len(running)} components")

    def exited(self) -> Server | None:
        """A component that exited without having been stopped."""
        with self._lock:
            for component in self.components.values():
                if (
                    component.name not in self._expected_down
                    and component.process is not None
                    and component.process.status is not None
                ):
                    return component
        return None

    def stop_component(self, name: str, *, kill: bool = False) -> None:
        """Stops one component, with SIGKILL if `kill`; the others keep running."""
        with self._lock:
            self._expected_down.add(name)
            component = self.components[name]
            component.kill() if kill else component.stop()

    def pause_component(self, name: str) -> None:
        """Freezes one component (SIGSTOP), as a swapping machine or a live migration does."""
        self.components[name].pause()

    def resume_component(self, name: str) -> None:
        """Resumes a frozen component (SIGCONT)."""
        self.components[name].resume()

    def start_component(self, name: str) -> None:
        """Starts a component again and returns once it is ready."""
        with self._lock:
            self.components[name].start()
            self.restarts[name] += 1
            self._expected_down.discard(name)

    def _start_all(self, components: Sequence[Server]) -> None:
        start = time.monotonic()
        with ThreadPoolExecutor(len(components)) as pool:

            def start_one(component: Server) -> None:
                component.launch()
                component.await_ready()
                seconds = time.monotonic() - start
                self._report(component.name, f"127.0.0.1:{component.port}  ({seconds:.1f} s)")

            for future in [pool.submit(start_one, component) for component in components]:
                future.result()

    def _create_databases(self) -> None:
        postgres = next(server for server in self.servers if isinstance(server, Postgres))
        for service in self.with_database():
            postgres.create_database(service.name)

    def with_database(self) -> list[Service]:
        """The first replica of every service that has a database."""
        return [replica for replica in self.services.values() if replica.name == replica.service != "gateway"]

    def _migrate(self) -> None:
        with ThreadPoolExecutor() as pool:
            services = self.with_database()
            for future in [pool.submit(self._migrate_one, service) for service in services]:
                future.result()
        self._report("migrated", ", ".join(service.name for service in services))

    def _migrate_one(self, service: Service) -> None:
        result = run_command(service, "migrate", seconds=_MIGRATE_SECONDS)
        if result.returncode:
            raise StackError(f"{service.name} migrate failed:\n{result.stdout}")

    def _seed(self, identity: Identity | None = None) -> None:
        seed(
            self.ports,
            self.services["account"],
            products=self.products,
            report=lambda text: self._report("seeding", text),
            rules=self.rules,
            identity=identity,
        )

    def _report(self, what: str, text: str) -> None:
        if not self._quiet:
            print(f"  {what:<14} {text}", flush=True)


def dashboards(stack: Stack) -> AbstractContextManager[object]:
    """Serves the dashboards, if their page is built and Prometheus runs."""
    page = runfile("souk/dev/dashboards/page.js")
    if page is None or "prometheus" not in stack.components:
        return nullcontext()
    ports = stack.ports
    return Dashboards(ports.dashboards, ports.prometheus, page.parent, scrape_seconds=SCRAPE_SECONDS)


def table(stack: Stack) -> str:
    """The addresses and logins."""
    shop, *others = addresses(stack.ports, logs=LOG_STORE in stack.components).items()
    rows = [
        shop,
        ("Start page", f"http://127.0.0.1:{stack.ports.gateway}"),
        *others,
        *((f"Login {label}", f"{email} / {password}") for label, email, _, password in LOGINS),
        ("Log files", f"{stack.state / 'logs'} (make logs S=order)"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {text}" for name, text in rows]
    return "\n".join(["", "Souk is running. Ctrl-C stops it.", "", *lines, ""])


def watch(stack: Stack, stopped: threading.Event) -> int:
    """Returns 0 when `stopped` is set, 1 if a component exits."""
    while not stopped.wait(_POLL_SECONDS):
        if component := stack.exited():
            process = component.process
            assert process is not None
            print(
                f"\n{component.name} exited with status {process.status}. Last log lines:\n{process.tail()}",
                file=sys.stderr,
            )
            return 1
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the stack until Ctrl-C, SIGTERM or the exit of a component."""
    parser = argparse.ArgumentParser(description="Runs all of Souk on this machine.")
    folder = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    parser.add_argument("--state", type=Path, default=folder / ".souk", help="folder for data, logs and keys")
    parser.add_argument("--products", type=int, default=1000, help="number of products to seed")
    parser.add_argument(
        "--mail", choices=["maildev", "count"], default=os.environ.get("SOUK_MAIL", "maildev")
    )
    # A variable, because tests/load/side_by_side.py also starts earlier versions, which have no such option.
    parser.add_argument(
        "--rules",
        choices=["yes", "no"],
        default=os.environ.get("SOUK_RULES", "yes"),
        help="whether to seed variants, taxes and shipping",
    )
    arguments = parser.parse_args(argv)
    state = arguments.state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    lock = (state / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ports = Ports.read(os.environ)
    except BlockingIOError:
        print(f"another stack is already running in {state}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stack = Stack(
        state,
        ports,
        products=arguments.products,
        mail=arguments.mail,
        rules=arguments.rules == "yes",
        observed=arguments.mail == "maildev",
    )
    print(f"Starting Souk in {state}", flush=True)
    try:
        stack.start()
    except (StackError, AssertionError, RuntimeError, subprocess.SubprocessError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    try:
        print(table(stack), flush=True)
        with Control(stack, state), dashboards(stack):
            return watch(stack, stopped)
    finally:
        print("\nStopping", flush=True)
        stack.stop()


if __name__ == "__main__":
    sys.exit(main())
