"""The processes of a stack, from /proc: found by the ports on which they listen, so it does not matter how the stack was started."""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dev.ports import SERVICES, Ports
from dev.processes import children, pids, tree

# What an installation pays for; the payment provider's mock and the mail sink are not counted.
COMPONENTS = (*SERVICES, "postgresql", "redis", "kafka", "elasticsearch")
# What works after the response, apart from the services that also respond.
BACKGROUND = ("payment", "notification")
_LISTENS = "0A"


def process_trees(ports: Ports, components: Sequence[str] = COMPONENTS) -> dict[str, list[int]]:
    """The pids of every running component: the process that listens, then its descendants."""
    listening = _listening()
    by_parent = children()
    return {
        component: tree(root, by_parent)
        for component in components
        if (root := listening.get(getattr(ports, component))) is not None
    }


@contextmanager
def paused(ports: Ports, components: Sequence[str] = BACKGROUND) -> Iterator[None]:
    """Freezes components, so that their CPU time is not part of a measurement; what they consume waits in Kafka."""
    pids = [pid for tree in process_trees(ports, components).values() for pid in tree]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _listening() -> dict[int, int]:
    """The pid by TCP port of every listening process: of those that share a socket, the one that opened it."""
    sockets: dict[str, int] = {}
    for family in ("tcp", "tcp6"):
        for line in Path("/proc/net", family).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == _LISTENS:
                sockets[f"socket:[{columns[9]}]"] = int(columns[1].rpartition(":")[2], 16)
    by_port: dict[int, int] = {}
    for pid in sorted(pids()):
        try:
            for link in Path("/proc", str(pid), "fd").iterdir():
                if (port := sockets.get(os.readlink(link))) is not None:
                    by_port.setdefault(port, pid)
        except OSError:  # exited, or owned by another user
            continue
    return by_port
