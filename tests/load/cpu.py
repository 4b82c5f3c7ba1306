"""CPU of a stack's parts, from what Linux counts of their processes: what capacity is calculated from (docs/operations/capacity.md).

Not here: the CPU of the kernel's own threads, and of k6.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dev.ports import SERVICES, Ports

# Those of which orders and searches make use.
PARTS = (*SERVICES, "stripe", "smtp", "postgresql", "redis", "kafka", "elasticsearch")
_LISTENS = "0A"
_MS = 1000 / os.sysconf("SC_CLK_TCK")

Spent = Mapping[str, float]


def spent(ports: Ports) -> dict[str, float]:
    """Milliseconds of CPU by part since it started, with all its processes; parts that do not run are left out."""
    listening = _listening()
    children = _children()
    found = {}
    for part in PARTS:
        if (pid := listening.get(getattr(ports, part))) is not None:
            found[part] = sum(_used(each, ended=each == pid) for each in _tree(pid, children))
    return found


@dataclass(frozen=True)
class Span:
    """What was spent from one moment to another."""

    ports: Ports
    began: float
    before: Spent

    @classmethod
    def begin(cls, ports: Ports) -> "Span":
        """From now on."""
        return cls(ports, time.monotonic(), spent(ports))

    def a_second(self) -> dict[str, float]:
        """Milliseconds a second until now, by part."""
        seconds = time.monotonic() - self.began
        return {part: (ms - self.before.get(part, 0)) / seconds for part, ms in spent(self.ports).items()}

    def each(self, count: int, rest: Spent) -> dict[str, float]:
        """Milliseconds until now for each of `count` operations, by part, beyond what is spent at rest."""
        seconds = time.monotonic() - self.began
        beyond = {part: (ms - rest.get(part, 0)) * seconds for part, ms in self.a_second().items()}
        return {part: max(0.0, ms) / max(count, 1) for part, ms in beyond.items()}


def table(each: Spent) -> str:
    """One line, the dearest part first."""
    parts = sorted(each.items(), key=lambda item: -item[1])
    return (
        ", ".join(f"{part} {ms:.2f}" for part, ms in parts if ms >= 0.005) + f"; all {sum(each.values()):.2f}"
    )


def _listening() -> dict[int, int]:
    """The process behind each TCP port that somebody listens on, the one that opened it."""
    sockets: dict[str, int] = {}
    for family in ("tcp", "tcp6"):
        for line in Path("/proc/net", family).read_text().splitlines()[1:]:
            words = line.split()
            if words[3] == _LISTENS:
                sockets[f"socket:[{words[9]}]"] = int(words[1].rpartition(":")[2], 16)
    found: dict[int, int] = {}
    for pid in sorted(_pids()):
        try:
            for link in Path("/proc", str(pid), "fd").iterdir():
                if (port := sockets.get(os.readlink(link))) is not None:
                    found.setdefault(port, pid)
        except OSError:  # ended, or somebody else's
            continue
    return found


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def _stat(pid: int) -> list[str]:
    """The fields behind the name, which may have blanks; none when the process has ended."""
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
    return [pid, *(each for child in children.get(pid, []) for each in _tree(child, children))]


def _used(pid: int, *, ended: bool) -> float:
    """Of the process; `ended`: with its children that have ended."""
    stat = _stat(pid)
    return sum(int(ticks) for ticks in stat[11 : 15 if ended else 13]) * _MS
