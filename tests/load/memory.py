"""Memory of a stack's components: PSS, so that pages which processes share (PostgreSQL's buffers, code) count once."""

import threading
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

from dev.ports import Ports
from dev.processes import pss
from tests.load.processes import process_trees


def memory(ports: Ports) -> dict[str, int]:
    """Bytes by running component, child processes included."""
    return {component: sum(map(pss, pids)) for component, pids in process_trees(ports).items()}


def peaks(samples: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """The peak of every component, and of all together at one time as `all`."""
    names = {name for sample in samples for name in sample}
    highest = {name: max(sample.get(name, 0) for sample in samples) for name in sorted(names)}
    return highest | {"all": max((sum(sample.values()) for sample in samples), default=0)}


class PeakMemory:
    """Samples the memory while it is entered."""

    def __init__(self, ports: Ports, interval: float = 2.0) -> None:
        self._ports = ports
        self._interval = interval
        self._samples: list[Mapping[str, int]] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join()

    def peaks(self) -> dict[str, int]:
        """So far, in bytes."""
        return peaks(self._samples)

    def _run(self) -> None:
        while True:
            self._samples.append(memory(self._ports))
            if self._stopped.wait(self._interval):
                return
