"""podman with a storage of its own, which is gone afterwards; and the options that every image has to run under."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# No capability, no new privileges, nothing to write to; the network is the machine's.
UNPRIVILEGED: tuple[str, ...] = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
)
UNPRIVILEGED += ("--network=host", "--ulimit=host", "--pull=never")
_SECONDS = 120
_STOP_SECONDS = 40
# crun, podman's first choice, refuses machines that have both versions of cgroups.
_RUNC = Path("/usr/sbin/runc")


class Podman:
    """Runs images; they are in its storage once they were loaded under `environment`."""

    def __init__(self, folder: Path) -> None:
        storage, engine = folder / "storage.conf", folder / "containers.conf"
        storage.write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
            # What podman looks at, where skopeo looks at the first, when whoever runs them is not root.
            f'rootless_storage_path = "{folder}/root"\n'
        )
        engine.write_text(
            '[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        )
        self.environment = {"CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(engine)}

    def command(
        self, image: str, *words: str, env: Mapping[str, str], options: Sequence[str] = ()
    ) -> list[str]:
        """Runs an image in the foreground, under `environment`; a signal to this command reaches the image's."""
        told = [f"--env={name}={value}" for name, value in env.items()]
        return [*_podman("run", "--rm"), *UNPRIVILEGED, *told, *options, f"localhost/{image}", *words]

    def run(
        self, image: str, *words: str, env: Mapping[str, str], options: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Runs an image's command to its end."""
        return self._done(self.command(image, *words, env=env, options=options))

    def pid(self, name: str) -> int:
        """The process that a container runs; raises RuntimeError when there is none."""
        return int(self._output("inspect", "--format={{.State.Pid}}", name))

    def stop(self, name: str) -> None:
        """SIGTERM to what a container runs; returns once that has ended."""
        self._output("stop", f"--time={_STOP_SECONDS}", name)

    def kill(self, name: str) -> None:
        """kill -9 of what a container runs."""
        self._output("kill", "--signal=KILL", name)

    def reset(self) -> None:
        """Ends every container and forgets everything."""
        self._output("system", "reset", "--force")

    def _output(self, *words: str) -> str:
        done = self._done(_podman(*words))
        if done.returncode:
            raise RuntimeError(f"podman {' '.join(words)}: {done.stdout}")
        return done.stdout

    def _done(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )


def _podman(*words: str) -> list[str]:
    return ["podman", *([f"--runtime={_RUNC}"] if _RUNC.exists() else []), *words]


@contextmanager
def podman_of_its_own() -> Iterator[Podman]:
    """A podman that nobody else uses."""
    # podman takes 50 characters at most for the folder of its sockets, and folders of tests are longer.
    folder = Path(tempfile.mkdtemp(prefix="souk-"))
    podman = Podman(folder)
    try:
        yield podman
    finally:
        podman.reset()
        shutil.rmtree(folder)
