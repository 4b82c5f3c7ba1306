"""Processes of this machine, from /proc."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

_PSS = re.compile(r"^Pss:\s+(\d+) kB$", re.MULTILINE)


def stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name (which may contain blanks); empty if the process has exited."""
    try:
        return re.sub(r"^.*\) ", "", Path("/proc", str(pid), "stat").read_text(), flags=re.DOTALL).split()
    except OSError:
        return []


def pids() -> list[int]:
    """All processes."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def children() -> dict[int, list[int]]:
    """The children of every process."""
    by_parent: dict[int, list[int]] = {}
    for pid in pids():
        if fields := stat(pid):
            by_parent.setdefault(int(fields[1]), []).append(pid)
    return by_parent


def tree(pid: int, by_parent: Mapping[int, list[int]]) -> list[int]:
    """A process and its descendants."""
    return [pid, *(descendant for child in by_parent.get(pid, []) for descendant in tree(child, by_parent))]


def pss(pid: int) -> int:
    """Bytes of a process, of which pages that processes share count once; 0 if it has exited.

    Raises PermissionError for a process of another user.
    """
    try:
        text = Path("/proc", str(pid), "smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    match = _PSS.search(text)
    return int(match[1]) * 1024 if match else 0
