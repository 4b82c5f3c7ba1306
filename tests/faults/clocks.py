"""The clock of one process, moved while it runs; never the machine's.

Only the time of day is wrong: the monotonic clock, by which asyncio, uvloop, locks and gRPC measure, stays as it is. `clock.c` is
preloaded and reads the difference from a file. Not libfaketime: it made an idle service use a tenth of a core (ADR 0029).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_LIBRARY: Final = Path(__file__).with_name("clock.so")


class Clocks:
    """A clock for each component, in a file that its process has mapped into memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def environment(self, component: str) -> Mapping[str, str]:
        """The variables that give a process a clock of its own."""
        self._file(component).write_bytes(struct.pack("=q", 0))
        return {"LD_PRELOAD": str(_LIBRARY.absolute()), "SOUK_CLOCK_FILE": str(self._file(component))}

    def step(self, component: str, seconds: int) -> None:
        """Sets the component's clock this many seconds ahead of the machine's, or behind it if negative. Takes effect at once."""
        # In place: a new file would not be the one that is mapped.
        with self._file(component).open("r+b") as file:
            file.write(struct.pack("=q", seconds))

    def _file(self, component: str) -> Path:
        return self._folder / component
