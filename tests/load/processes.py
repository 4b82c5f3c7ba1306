"""The processes of a stack, from /proc: found by the ports on which they listen, so it does not matter how the stack was started."""

import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from dev.ports import SERVICES, Ports

# What an installation pays for; the payment provider's mock and the mail sink are not counted.
COMPONENTS = (*SERVICES, "postgresql", "redis", "kafka", "elasticsearch")
# What works after the response, apart from the services that also respond.
BACKGROUND = ("payment", "notification")
_LISTENS = "0A"


def process_trees(ports: Ports, components: Sequence[str] = COMPONENTS) -> dict[str, list[int]]:
    """The pids of every running component: the process that listens, then its descendants."""
    listening = _listening()
    children = _children()
    return {
        component: _tree(root, children)
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


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name (which may contain blanks); empty if the process has exited."""
    try:
        return re.sub(r"^.*\) ", "", Path("/proc", str(pid), "stat").read_text(), flags=re.DOTALL).split()
    except OSError:
        return []


def _listening() -> dict[int, int]:
    """The pid by TCP port of every listening process: of those that share a socket, the one that opened it."""
    sockets: dict[str, int] = {}
    for family in ("tcp", "tcp6"):
        for line in Path("/proc/net", family).read_text().splitlines()[1:]:
            columns = line.split()
            if columns[3] == _LISTENS:
                sockets[f"socket:[{columns[9]}]"] = int(columns[1].rpartition(":")[2], 16)
    pids: dict[int, int] = {}
    for pid in sorted(_pids()):
        try:
            for link in Path("/proc", str(pid), "fd").iterdir():
                if (port := sockets.get(os.readlink(link))) is not None:
                    pids.setdefault(port, pid)
        except OSError:  # exited, or owned by another user
            continue
    return pids


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for pid in _pids():
        if fields := stat(pid):
            children.setdefault(int(fields[1]), []).append(pid)
    return children


def _tree(pid: int, children: Mapping[int, list[int]]) -> list[int]:
    return [pid, *(descendant for child in children.get(pid, []) for descendant in _tree(child, children))]
