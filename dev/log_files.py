"""Bounds the size of log files that components write to.

A component keeps its file open, so renaming it does not help, and truncating it after a copy loses the lines that are written in between.
While components run, the disk space of a log's beginning is freed instead: it becomes a hole, and all offsets stay valid, so programs that
follow the log need not know. At the next start of the stack the hole is removed.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

# Of the end of each log; twice as much may be on disk.
TAIL_BYTES: Final = 16 * 2**20


def size(log: Path) -> int:
    """Bytes of a log with its hole; 0 if it does not exist."""
    try:
        return os.stat(log).st_size
    except OSError:
        return 0


def size_on_disk(log: Path) -> int:
    """Bytes that a log takes on disk; 0 if it does not exist."""
    try:
        return os.stat(log).st_blocks * 512
    except OSError:
        return 0


def free_beginning(log: Path, end: int) -> None:
    """Frees the disk space of the first `end` bytes, which read as zeros from now on. Does nothing on a file system without holes."""
    command = ["fallocate", "--punch-hole", "--length", str(end), str(log)]
    subprocess.run(command, check=False, stderr=subprocess.DEVNULL)


def remove_beginning(log: Path, end: int) -> int:
    """Removes the first `end` bytes and the rest of the line there, while no component writes to the log; returns how many bytes."""
    part = log.with_name(f"{log.name}.part")
    with log.open("rb") as old, part.open("wb") as new:
        old.seek(end - 1)
        old.readline()
        removed = old.tell()
        shutil.copyfileobj(old, new)
    part.replace(log)
    return removed
