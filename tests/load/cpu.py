"""CPU time of a stack's components, from /proc: the basis of the capacity figures (docs/operations/capacity.md).

CPU time of kernel threads and of k6 is not included.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.ports import SERVICES, Ports

# The components that handle orders and searches.
COMPONENTS = (*SERVICES, "stripe", "smtp", "postgresql", "redis", "kafka", "elasticsearch")
_LISTENS = "0A"
_MS = 1000 / os.sysconf("SC_CLK_TCK")

CpuTimes = Mapping[str, float]


def cpu_times(ports: Ports) -> dict[str, float]:
    """Milliseconds of CPU time by running component since its start, including its child processes."""
    listening = _listening()
    children = _children()
    times = {}
    for component in COMPONENTS:
        if (root := listening.get(getattr(ports, component))) is not None:
            processes = _tree(root, children)
            times[component] = sum(_cpu_time(pid, with_reaped=pid == root) for pid in processes)
    return times


@dataclass(frozen=True)
class Measurement:
    """CPU time since a start."""

    ports: Ports
    started_at: float
    initial: CpuTimes

    @classmethod
    def start(cls, ports: Ports) -> "Measurement":
        """Starts now."""
        return cls(ports, time.monotonic(), cpu_times(ports))

    def per_second(self) -> dict[str, float]:
        """Milliseconds per second so far, by component."""
        seconds = time.monotonic() - self.started_at
        times = cpu_times(self.ports)
        return {name: (ms - self.initial.get(name, 0)) / seconds for name, ms in times.items()}

    def per_operation(self, count: int, idle: CpuTimes) -> dict[str, float]:
        """Milliseconds per operation for `count` operations so far, by component, without the CPU time of an idle stack."""
        seconds = time.monotonic() - self.started_at
        used = {name: (ms - idle.get(name, 0)) * seconds for name, ms in self.per_second().items()}
        return {name: max(0.0, ms) / max(count, 1) for name, ms in used.items()}


def table(times: CpuTimes) -> str:
    """One line, the most expensive component first."""
    components = sorted(times.items(), key=lambda item: -item[1])
    return (
        ", ".join(f"{name} {ms:.2f}" for name, ms in components if ms >= 0.005)
        + f"; all {sum(times.values()):.2f}"
    )


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


def _stat(pid: int) -> list[str]:
    """The fields after the name (which may contain blanks); empty if the process has exited."""
    try:
        return re.sub(r"^.*\) ", "", Path("/proc", str(pid), "stat").read_text(), flags=re.DOTALL).split()
    except OSError:
        return []


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for pid in _pids():
        if stat := _stat(pid):
            children.setdefault(int(stat[1]), []).append(pid)
    return children


def _tree(pid: int, children: Mapping[int, list[int]]) -> list[int]:
    return [pid, *(descendant for child in children.get(pid, []) for descendant in _tree(child, children))]


def _cpu_time(pid: int, *, with_reaped: bool) -> float:
    """The CPU time of a process; `with_reaped`: including its children that have exited."""
    stat = _stat(pid)
    return sum(int(ticks) for ticks in stat[11 : 15 if with_reaped else 13]) * _MS
