"""CPU time of a stack's components: the basis of the capacity figures (docs/operations/capacity.md).

CPU time of kernel threads and of the load generator is not included. Machines differ, so times are also given for a reference machine, on
which one bcrypt hash of cost 10 takes 54 ms.
"""

import os
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import bcrypt

from dev.ports import Ports
from dev.processes import stat
from tests.load.processes import process_trees

REFERENCE_MS = 54.0
_COST = 10
_MS = 1000 / os.sysconf("SC_CLK_TCK")

CpuTimes = Mapping[str, float]


def cpu_times(ports: Ports) -> dict[str, float]:
    """Milliseconds of CPU time by running component since its start, including its child processes."""
    return {
        component: sum(_cpu_time(pid, with_reaped=pid == pids[0]) for pid in pids)
        for component, pids in process_trees(ports).items()
    }


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

    def used(self, idle: CpuTimes) -> dict[str, float]:
        """Milliseconds so far, by component, without the CPU time of an idle stack; may be negative where there is hardly any."""
        seconds = time.monotonic() - self.started_at
        return {name: (ms - idle.get(name, 0)) * seconds for name, ms in self.per_second().items()}

    def per_operation(self, count: int, idle: CpuTimes) -> dict[str, float]:
        """Milliseconds per operation for `count` operations so far, by component, without the CPU time of an idle stack."""
        return per_operation(self.used(idle), count)


def per_operation(used: CpuTimes, count: int) -> dict[str, float]:
    """Milliseconds per operation, at least 0."""
    return {name: max(0.0, ms) / max(count, 1) for name, ms in used.items()}


def scaled(times: CpuTimes, factor: float) -> dict[str, float]:
    """Every time multiplied."""
    return {name: ms * factor for name, ms in times.items()}


@dataclass
class Calibration:
    """How fast this machine is while it measures: the CPU time of a bcrypt hash, sampled between the scenarios."""

    samples: list[float] = field(default_factory=list)

    def sample(self, count: int = 5) -> None:
        """Takes samples, about 0.1 s each."""
        salt = bcrypt.gensalt(_COST)
        for _ in range(count):
            start = time.thread_time()
            bcrypt.hashpw(b"SecurePass123!", salt)
            self.samples.append((time.thread_time() - start) * 1000)

    @property
    def bcrypt_ms(self) -> float:
        """The median."""
        return statistics.median(self.samples)

    @property
    def factor(self) -> float:
        """What turns this machine's CPU time into the reference machine's."""
        return REFERENCE_MS / self.bcrypt_ms


def table(times: CpuTimes) -> str:
    """One line, the most expensive component first."""
    components = sorted(times.items(), key=lambda item: -item[1])
    return (
        ", ".join(f"{name} {ms:.2f}" for name, ms in components if ms >= 0.005)
        + f"; all {sum(times.values()):.2f}"
    )


def _cpu_time(pid: int, *, with_reaped: bool) -> float:
    """The CPU time of a process; `with_reaped`: including its children that have exited."""
    return sum(int(ticks) for ticks in stat(pid)[11 : 15 if with_reaped else 13]) * _MS
