"""Limits processes to a share of a core, by control groups of the kernel (version 1 or 2); needs root."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_PERIOD_US = 100_000


@contextmanager
def cpu_quota(pids: Sequence[int], share: float) -> Iterator[None]:
    """The processes, with their threads, together get at most this share of one core. Raises OSError without the right to set it."""
    version_1 = _ROOT / "cpu"
    parent = version_1 if version_1.is_dir() else _ROOT
    group = parent / f"souk-{secrets.token_hex(4)}"
    group.mkdir()
    try:
        quota = round(share * _PERIOD_US)
        if parent is version_1:
            (group / "cpu.cfs_period_us").write_text(f"{_PERIOD_US}")
            (group / "cpu.cfs_quota_us").write_text(f"{quota}")
        else:
            (group / "cpu.max").write_text(f"{quota} {_PERIOD_US}")
        _move(pids, group)
        yield
    finally:
        _move(pids, parent)
        group.rmdir()


def _move(pids: Sequence[int], group: Path) -> None:
    for pid in pids:
        if Path("/proc", str(pid)).exists():
            (group / "cgroup.procs").write_text(f"{pid}")
