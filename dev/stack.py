"""The whole of Souk on this machine: real servers and the six services as child processes. `make run` is `python -m dev.stack`.

It shows progress, seeds the development logins and a catalogue, prints where everything is, and stops cleanly on Ctrl-C. A part that ends
by itself stops the stack, by name and with its last lines. Everything it keeps lies in one folder (.souk), and survives a restart.
"""

import argparse
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dev.control import Control
from dev.parts import Service, programs, run_command, servers, services
from dev.ports import SERVICES, Ports
from dev.seed import LOGINS, seed
from kit.identity import Identity
from kit.testing import Postgres
from kit.testing.servers import Server

_MIGRATE_SECONDS = 120
_POLL_SECONDS = 0.2


class StackError(Exception):
    """The stack could not start, or a part of it ended; the message is for people."""


class Stack:
    """Every part, started in order and stopped in reverse."""

    def __init__(
        self,
        state: Path,
        ports: Ports,
        *,
        names: Sequence[str] = SERVICES,
        products: int = 1000,
        mail: str = "maildev",
        quiet: bool = False,
        more: Sequence[Ports] = (),
    ) -> None:
        """`more`: ports of further replicas of every service, for tests."""
        self.state = state
        self.ports = ports
        self.products = products
        self.servers = servers(ports, state)
        self.programs = programs(ports, state, mail=mail, more=more)
        self.services = services(tuple(names), ports, state, more)
        self._quiet = quiet
        self._lock = threading.RLock()
        # Parts that are meant to be down now: stopped on request, or lent to `bazel run`.
        self._aside: set[str] = set()

    @property
    def parts(self) -> dict[str, Server]:
        """Every part by name, in the order in which they start."""
        return {part.name: part for part in [*self.servers, *self.programs, *self.services.values()]}

    def start(self) -> None:
        """Starts everything and seeds it; raises StackError, with everything stopped again."""
        self.state.mkdir(parents=True, exist_ok=True)
        if taken := self.ports.taken():
            raise StackError("\n".join(taken))
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        began = time.monotonic()
        self._bring_up([*self.servers, *self.programs])
        self._make_databases()
        self._migrate()
        self._bring_up(list(self.services.values()))
        if set(SERVICES) <= self.services.keys():
            self._say("seeding", "logins and catalogue")
            self._seed()
        self._say("ready", f"after {time.monotonic() - began:.0f} s")

    def stop(self) -> None:
        """Stops everything in reverse: services first, so that they let go of the servers."""
        with self._lock:
            running = [part for part in self.parts.values() if part.process is not None]
            for group in (list(self.services.values()), self.programs, self.servers):
                with ThreadPoolExecutor() as pool:
                    list(pool.map(Server.stop, [part for part in group if part in running]))
            if running:
                self._say("stopped", f"{len(running)} parts")

    def ended(self) -> Server | None:
        """A part that ended by itself."""
        with self._lock:
            for part in self.parts.values():
                if (
                    part.name not in self._aside
                    and part.process is not None
                    and part.process.status is not None
                ):
                    return part
        return None

    def stop_part(self, name: str, *, kill: bool = False) -> None:
        """Stops one part, or ends it with kill -9; the others go on."""
        with self._lock:
            self._aside.add(name)
            part = self.parts[name]
            part.kill() if kill else part.stop()

    def pause_part(self, name: str) -> None:
        """Freezes one part (SIGSTOP), as a machine that swaps or a hypervisor that moves it does."""
        self.parts[name].pause()

    def resume_part(self, name: str) -> None:
        """Lets it go on."""
        self.parts[name].resume()

    def start_part(self, name: str) -> None:
        """Starts a part again and returns once it is ready."""
        with self._lock:
            self.parts[name].start()
            self._aside.discard(name)

    def _bring_up(self, parts: Sequence[Server]) -> None:
        began = time.monotonic()
        with ThreadPoolExecutor(len(parts)) as pool:

            def up(part: Server) -> None:
                part.launch()
                part.await_ready()
                self._say(part.name, f"127.0.0.1:{part.port}  ({time.monotonic() - began:.1f} s)")

            for outcome in [pool.submit(up, part) for part in parts]:
                outcome.result()

    def _make_databases(self) -> None:
        postgres = next(part for part in self.servers if isinstance(part, Postgres))
        for part in self._stateful():
            postgres.create_database(part.name)

    def _stateful(self) -> list[Service]:
        """A replica of each service that has a database."""
        return [part for part in self.services.values() if part.name == part.service != "gateway"]

    def _migrate(self) -> None:
        with ThreadPoolExecutor() as pool:
            stateful = self._stateful()
            for outcome in [pool.submit(self._migrate_one, part) for part in stateful]:
                outcome.result()
        self._say("migrated", ", ".join(part.name for part in stateful))

    def _migrate_one(self, part: Service) -> None:
        done = run_command(part, "migrate", seconds=_MIGRATE_SECONDS)
        if done.returncode:
            raise StackError(f"{part.name} migrate failed:\n{done.stdout}")

    def _seed(self, identity: Identity | None = None) -> None:
        seed(
            self.ports,
            self.services["account"],
            products=self.products,
            say=lambda text: self._say("seeding", text),
            identity=identity,
        )

    def _say(self, what: str, text: str) -> None:
        if not self._quiet:
            print(f"  {what:<14} {text}", flush=True)


def table(stack: Stack) -> str:
    """Where everything is, and who may sign in."""
    ports = stack.ports
    rows = [
        ("Start here", f"http://127.0.0.1:{ports.gateway}"),
        ("Playground", f"http://127.0.0.1:{ports.gateway}/playground"),
        ("GraphQL", f"http://127.0.0.1:{ports.gateway}/graphql"),
        ("Mails", f"http://127.0.0.1:{ports.mail_web}"),
        ("PostgreSQL", f"127.0.0.1:{ports.postgresql} (a database a service, role souk, password souk)"),
        ("Redis", f"127.0.0.1:{ports.redis}"),
        ("Kafka", f"127.0.0.1:{ports.kafka}"),
        ("Elasticsearch", f"http://127.0.0.1:{ports.elasticsearch}"),
        ("Stripe mock", f"http://127.0.0.1:{ports.stripe}"),
        *([("Prometheus", f"http://127.0.0.1:{ports.prometheus}")] if "prometheus" in stack.parts else []),
        *((f"Login {role}", f"{email} / {password}") for role, email, _, password in LOGINS),
        ("Logs", f"{stack.state / 'logs'} (make logs S=order)"),
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {text}" for name, text in rows]
    return "\n".join(["", "Souk is running. Ctrl-C stops it.", "", *lines, ""])


def watch(stack: Stack, stopped: threading.Event) -> int:
    """Returns 0 when told to stop, 1 when a part ended by itself."""
    while not stopped.wait(_POLL_SECONDS):
        if part := stack.ended():
            process = part.process
            assert process is not None
            print(
                f"\n{part.name} ended with status {process.status}. Its last lines:\n{process.tail()}",
                file=sys.stderr,
            )
            return 1
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the stack until Ctrl-C, SIGTERM or the end of a part."""
    parser = argparse.ArgumentParser(description="Runs the whole of Souk on this machine.")
    folder = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    parser.add_argument("--state", type=Path, default=folder / ".souk", help="folder of data, logs and keys")
    parser.add_argument("--products", type=int, default=1000, help="products to seed")
    parser.add_argument(
        "--mail", choices=["maildev", "count"], default=os.environ.get("SOUK_MAIL", "maildev")
    )
    arguments = parser.parse_args(argv)
    state = arguments.state.resolve()
    state.mkdir(parents=True, exist_ok=True)
    lock = (state / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ports = Ports.read(os.environ)
    except BlockingIOError:
        print(f"another stack is running in {state}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stack = Stack(state, ports, products=arguments.products, mail=arguments.mail)
    print(f"Starting Souk in {state}", flush=True)
    try:
        stack.start()
    except (StackError, AssertionError, RuntimeError, subprocess.SubprocessError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    try:
        print(table(stack), flush=True)
        with Control(stack, state):
            return watch(stack, stopped)
    finally:
        print("\nStopping", flush=True)
        stack.stop()


if __name__ == "__main__":
    sys.exit(main())
