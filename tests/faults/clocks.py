"""The clock of one process, stepped while it runs (libfaketime); never the machine's.

Only the time of day is wrong: the monotonic clock, by which asyncio, uvloop, locks and gRPC measure, goes on as it is
(FAKETIME_DONT_FAKE_MONOTONIC). With that, libfaketime 0.9.10 breaks sleeping until a monotonic time, which Python's time.sleep does: the
call fails with EINVAL. So processes get a copy of the library that does not take this one function over.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_LIBRARY: Final = "libfaketimeMT.so.1"
# The name in the table of what the library exports, and one of the same length that no program calls.
_BROKEN, _HIDDEN = b"\0clock_nanosleep\0", b"\0clock_nanosleeq\0"
# How long a process goes on with the old time after a step.
SEEN_SECONDS: Final = 1.0


class Clocks:
    """A clock for each part, in a file that its process reads again every second."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._library = folder / _LIBRARY
        self._library.write_bytes(_library().read_bytes().replace(_BROKEN, _HIDDEN))

    def environment(self, part: str) -> Mapping[str, str]:
        """What makes a process go by its own clock."""
        self.step(part, 0)
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file(part)),
            "FAKETIME_CACHE_DURATION": str(int(SEEN_SECONDS)),
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def step(self, part: str, seconds: int) -> None:
        """The part's clock is so many seconds ahead of ours from now on; negative: behind."""
        fresh = self._file(part).with_suffix(".new")
        fresh.write_text(f"{seconds:+d}\n")
        # A reader sees the old time or the new one, never an empty file.
        fresh.replace(self._file(part))

    def _file(self, part: str) -> Path:
        return self._folder / part


def _library() -> Path:
    """Debian's or Nix's, beside the command."""
    command = shutil.which("faketime")
    if command:
        libraries = Path(command).resolve().parents[1] / "lib"
        for pattern in (f"*/faketime/{_LIBRARY}", f"faketime/{_LIBRARY}", _LIBRARY):
            for found in sorted(libraries.glob(pattern)):
                return found
    raise FileNotFoundError(f"no {_LIBRARY}: dev/bootstrap.sh installs faketime")
