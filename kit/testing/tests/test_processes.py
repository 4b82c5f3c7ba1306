"""Child processes are ended, their output is kept, and waiting has an end."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kit.testing import ChildProcess, eventually, wait_until
from kit.testing.conditions import TimedOut


def child(tmp_path: Path, code: str) -> ChildProcess:
    return ChildProcess("child", [sys.executable, "-S", "-c", code], log=tmp_path / "child.log")


def test_a_child_ends_when_asked(tmp_path: Path) -> None:
    process = child(tmp_path, "import signal; print('up', flush=True); signal.pause()")
    wait_until(lambda: "up" in process.tail(), "child up")
    assert process.status is None
    assert process.stop() < 0


def test_a_child_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
    process = child(tmp_path, code)
    wait_until(lambda: "up" in process.tail(), "child up")
    assert process.stop(grace_seconds=0.1) == -9


def test_the_last_lines_of_a_crash_are_kept(tmp_path: Path) -> None:
    process = child(tmp_path, "raise SystemExit('out of eggs')")
    wait_until(lambda: process.status is not None, "child ended")
    assert (process.status, process.tail(1)) == (1, "out of eggs")


async def test_waiting_ends_at_its_deadline() -> None:
    with pytest.raises(TimedOut, match="last seen: 0"):
        await eventually(lambda: 0, seconds=0.05)
    assert await eventually(lambda: 7, seconds=0.05) == 7


def test_a_child_outlives_the_thread_that_wanted_it(tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        process = pool.submit(
            child, tmp_path, "import signal; print('up', flush=True); signal.pause()"
        ).result()
    wait_until(lambda: "up" in process.tail(), "child up")
    assert process.status is None
    process.kill()
