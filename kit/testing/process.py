"""A child process that never outlives its parent, with its output in a file."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# The kernel takes the thread that starts a child for its parent, so all are started by one that lives as long as we do.
_STARTER = ThreadPoolExecutor(1, thread_name_prefix="starts-children")


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_open(port: int) -> bool:
    """Whether somebody listens on a TCP port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def drop_privileges(argv: Sequence[str]) -> list[str]:
    """The command for a program that refuses root: as root, it runs in a user namespace where it is nobody special.

    Files stay ours there, so that it works in a folder that no other user may enter.
    """
    if os.geteuid() != 0:
        return list(argv)
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--", *argv]


class ChildProcess:
    """One run of a command in a session of its own; whatever it prints is appended to `log`."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process: subprocess.Popen[bytes] = _STARTER.submit(
                subprocess.Popen,
                # The kernel ends it when we die, kill -9 included.
                ["setpriv", "--pdeathsig", "KILL", *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                # Ctrl-C in a terminal is for the parent, which then stops its children in order.
                start_new_session=True,
            ).result()

    @property
    def pid(self) -> int:
        """The process's id, and its group's."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    def stop(self, number: signal.Signals = signal.SIGTERM, *, grace_seconds: float = 15) -> int:
        """Asks it to end, and kills its group when it has not after the grace; answers the exit status."""
        if self._process.poll() is None:
            self._process.send_signal(number)
            # One that is frozen would not notice.
            with contextlib.suppress(ProcessLookupError):
                self.resume()
            try:
                self._process.wait(grace_seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        return self._process.wait()

    def kill(self) -> None:
        """kill -9 of its whole group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """Freezes its whole group; the kernel goes on taking what is sent to it."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Lets its group go on."""
        os.killpg(self._process.pid, signal.SIGCONT)

    def tail(self, lines: int = 20) -> str:
        """The last lines that it printed."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
