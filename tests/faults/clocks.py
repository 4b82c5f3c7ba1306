"""Changes the clock of single processes while they run; the machine's clock is not touched.

Only the time of day changes, not the monotonic clock that asyncio, uvloop, locks and gRPC use. `clock.c` is preloaded into the process
and reads the offset from a file. libfaketime was rejected: it made an idle service use a tenth of a core (ADR 0029).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_LIBRARY: Final = Path(__file__).with_name("clock.so")


class Clocks:
    """The offset of every component's clock, in a file that its process maps into memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def environment(self, component: str) -> Mapping[str, str]:
        """Variables that give a process its own clock."""
        self._file(component).write_bytes(struct.pack("=q", 0))
        return {"LD_PRELOAD": str(_LIBRARY.absolute()), "SOUK_CLOCK_FILE": str(self._file(component))}

    def step(self, component: str, seconds: int) -> None:
        """Sets the component's clock ahead of the machine's, or behind if negative. Takes effect at once."""
        # Written in place: the process has mapped this file.
        with self._file(component).open("r+b") as file:
            file.write(struct.pack("=q", seconds))

    def _file(self, component: str) -> Path:
        return self._folder / component
