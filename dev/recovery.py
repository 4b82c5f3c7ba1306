"""make backup and make restore, and what a disaster drill does: the stack after a loss of data.

A restore recovers PostgreSQL while the services are stopped, and then brings Kafka's events and the search index into line with it
(docs/operations/backup.md).
"""

import argparse
import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from dev.backups import BackupError, Backups
from dev.components import Service, run_command
from dev.ports import Ports
from dev.stack import Stack, StackError
from kit.testing import Kafka, Postgres

_COMMAND_SECONDS = 600.0


def recover(stack: Stack, backups: Backups, time: datetime | None, report: Callable[[str], None]) -> None:
    """Restores PostgreSQL of a stopped stack, and makes its other servers follow; they run afterwards, the services do not.

    Kafka has events of the time that was lost: they are deleted, and what the outboxes have is published again.
    """
    backups.restore(_postgres(stack), time)
    report("PostgreSQL is restored")
    for server in stack.servers:
        if server.process is None:
            server.start()
    republish(stack, report, discard=True)
    report(run_service(stack, "catalog", "reindex"))


def republish(stack: Stack, report: Callable[[str], None], *, discard: bool = False) -> None:
    """Has every outbox published again."""
    options = ["--discard"] if discard else []
    for service in stack.with_database():
        report(run_service(stack, service.name, "republish", *options))


def replace_kafka(stack: Stack) -> None:
    """Starts a Kafka without its data in place of the one that lost it."""
    [kafka] = [server for server in stack.servers if isinstance(server, Kafka)]
    shutil.rmtree(kafka.folder, ignore_errors=True)
    stack.start_component(kafka.name)
    # It creates the topics.
    for service in stack.with_database():
        run_service(stack, service.name, "migrate")


def stop_services(stack: Stack) -> None:
    """Stops the six services at once; the others run on."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(Service.stop, stack.services.values()))


def start_services(stack: Stack) -> None:
    """Starts them again and returns once they are ready."""
    for service in stack.services.values():
        service.launch()
    for service in stack.services.values():
        service.await_ready()


def run_service(stack: Stack, service: str, *arguments: str) -> str:
    """What a service's command prints, without its log lines; raises BackupError if it fails."""
    result = run_command(stack.services[service], *arguments, seconds=_COMMAND_SECONDS)
    lines = result.stdout.strip().splitlines()
    if result.returncode:
        raise BackupError(f"{service} {' '.join(arguments)} failed:\n{result.stdout}")
    return "\n".join(f"{service}: {line}" for line in lines if not line.startswith("{"))


def _postgres(stack: Stack) -> Postgres:
    return next(server for server in stack.servers if isinstance(server, Postgres))


def _parse_time(text: str) -> datetime:
    """A time with its offset; without one, in UTC."""
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns 0 if it is done, 1 if it is not possible."""
    parser = argparse.ArgumentParser(description="Backs up and restores the data of the local stack.")
    folder = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    parser.add_argument("--state", type=Path, default=folder / ".souk", help="folder of the stack")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("backup", help="take a base backup of the running stack, and archive WAL from now on")
    restoring = commands.add_parser("restore", help="restore the stopped stack")
    restoring.add_argument(
        "time", nargs="?", default="", help="as 2026-11-30T12:00:00Z; default: the latest archived state"
    )
    arguments = parser.parse_args(argv)
    state = arguments.state.resolve()
    stack = Stack(state, Ports.read(os.environ), quiet=True)
    backups = Backups(state / "backups")
    try:
        if arguments.command == "backup":
            print(f"base backup: {backups.take(_postgres(stack))}")
            return 0
        time = _parse_time(arguments.time) if arguments.time else None
        with (state / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                recover(stack, backups, time, print)
            finally:
                stack.stop()
    except BlockingIOError:
        print("the stack is running: stop it first", file=sys.stderr)
        return 1
    except (BackupError, StackError, AssertionError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    since = f"{time or datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    print(f"Next: make run, then bazel run //payment -- reconcile {since}, make backup and make invariants")
    return 0


if __name__ == "__main__":
    sys.exit(main())
