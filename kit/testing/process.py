"""Child processes that never outlive their parent, with their output in a file."""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# PDEATHSIG fires when the starting thread ends, so one thread that lives as long as the process starts all children.
_STARTER = ThreadPoolExecutor(1, thread_name_prefix="starts-children")
_TAIL_BYTES = 64 * 1024


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is currently free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_open(port: int) -> bool:
    """Whether a TCP port of 127.0.0.1 accepts connections."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def drop_privileges(argv: Sequence[str]) -> list[str]:
    """Wraps a command so that it runs as a non-root user in a user namespace, for programs that refuse to run as root.

    Files keep their owner there, so that it can use a folder that no other user can access.
    """
    if os.geteuid() != 0:
        return list(argv)
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--", *argv]


class ChildProcess:
    """One run of a command in its own session; its output is appended to `log`."""

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
                # The kernel kills it when this process dies, even after kill -9.
                ["setpriv", "--pdeathsig", "KILL", *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                # Ctrl-C in a terminal goes only to the parent, which then stops its children in order.
                start_new_session=True,
            ).result()

    @property
    def pid(self) -> int:
        """The id of the process and of its group."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """The exit status; None while it runs."""
        return self._process.poll()

    def stop(self, number: signal.Signals = signal.SIGTERM, *, grace_seconds: float = 15) -> int:
        """Sends a signal, kills its group after the grace period, and returns the exit status."""
        if self._process.poll() is None:
            self._process.send_signal(number)
            # A frozen process cannot handle the signal.
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
        """Freezes its whole group; the kernel still accepts data sent to it."""
        os.killpg(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Continues its group."""
        os.killpg(self._process.pid, signal.SIGCONT)

    def tail(self, lines: int = 20) -> str:
        """Its last lines of output."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - _TAIL_BYTES))
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])
