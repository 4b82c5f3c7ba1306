"""Processes with a pid namespace of their own: when the first of them is killed, the kernel kills all others, containers too."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from kit.testing import ChildProcess, wait_until
from tests.cluster.configuration import STARTING_SECONDS

_PAUSE_SECONDS: Final = 0.5


def wait_for(condition: Callable[[], bool], what: str, seconds: float = STARTING_SECONDS) -> None:
    """Asks twice a second, because asking starts a program; raises TimeoutError."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} not within {seconds:.0f} s")
        time.sleep(_PAUSE_SECONDS)


class Processes:
    """Programs in the foreground and in the background; `logs`: a file for each of the latter."""

    def __init__(self, first: Path, logs: Path, environment: Mapping[str, str]) -> None:
        """`first`: a program that only waits, and reaps."""
        self._logs, self._environment = logs, dict(environment)
        options = ["--pid", "--mount", "--fork", "--kill-child", "--mount-proc"]
        self._outer = ChildProcess("first", ["unshare", *options, "--", str(first)], log=logs / "first.log")
        self._background: list[ChildProcess] = []
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        wait_until(lambda: children.exists() and children.read_text(), "the first process")
        self._first = int(children.read_text())
        # The kubelet needs mounts that containers see; unshare makes them private.
        wait_until(lambda: Path(f"/proc/{self._first}/exe").resolve() == first.resolve(), "its mounts")
        self.run("mount", "--make-rshared", "/")

    def start(self, program: str, *arguments: str) -> None:
        """Starts a program in the background."""
        self._background.append(
            ChildProcess(
                program,
                self._inside(program, *arguments),
                log=self._logs / f"{program}.log",
                env=self._environment,
                cwd=Path("/"),
            )
        )

    def run(self, *command: str, stdin: str = "") -> str:
        """The output of a program; raises RuntimeError with all of it if the program fails."""
        result = self.result(*command, stdin=stdin)
        if result.returncode:
            raise RuntimeError(f"{' '.join(command)}:\n{result.stdout}{result.stderr}")
        return result.stdout

    def result(self, *command: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """What a program did."""
        return subprocess.run(
            self._inside(*command),
            input=stdin,
            env={**os.environ, **self._environment},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )

    def check(self) -> None:
        """Raises RuntimeError if a program in the background has ended."""
        for process in self._background:
            if process.status is not None:
                raise RuntimeError(f"{process.name} ended:\n{process.tail()}")

    def kill(self) -> None:
        """Kills all of them."""
        with suppress(ProcessLookupError):
            os.kill(self._first, signal.SIGKILL)
        for process in (*self._background, self._outer):
            process.kill()

    def _inside(self, *command: str) -> list[str]:
        return ["nsenter", f"--target={self._first}", "--mount", "--pid", "--", *command]
