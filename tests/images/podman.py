"""podman with its own temporary storage, and the options under which every image must run."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

# No capabilities, no new privileges, a read-only root file system; the host's network.
UNPRIVILEGED: tuple[str, ...] = (
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=all",
    "--security-opt=no-new-privileges",
)
UNPRIVILEGED += ("--network=host", "--ulimit=host", "--pull=never")
_SECONDS = 120
_STOP_SECONDS = 40
# crun, podman's default, does not support machines with both versions of cgroups.
_RUNC = Path("/usr/sbin/runc")


class Podman:
    """Runs images, which must have been loaded with `environment` set."""

    def __init__(self, folder: Path) -> None:
        storage, engine = folder / "storage.conf", folder / "containers.conf"
        storage.write_text(
            f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
            # Rootless podman uses this option, rootless skopeo the one above.
            f'rootless_storage_path = "{folder}/root"\n'
        )
        engine.write_text(
            '[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        )
        self.environment = {"CONTAINERS_STORAGE_CONF": str(storage), "CONTAINERS_CONF": str(engine)}

    def command(
        self, image: str, *args: str, env: Mapping[str, str], options: Sequence[str] = ()
    ) -> list[str]:
        """The command that runs an image in the foreground; needs `environment`. It forwards signals to the container."""
        env_options = [f"--env={name}={value}" for name, value in env.items()]
        return [*_podman("run", "--rm"), *UNPRIVILEGED, *env_options, *options, f"localhost/{image}", *args]

    def run(
        self, image: str, *args: str, env: Mapping[str, str], options: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Runs an image's command and waits for it."""
        return self._run(self.command(image, *args, env=env, options=options))

    def pid(self, name: str) -> int:
        """The pid of a container's process; raises RuntimeError if there is none."""
        return int(self._output("inspect", "--format={{.State.Pid}}", name))

    def stop(self, name: str) -> None:
        """Sends SIGTERM to a container and waits for its exit."""
        self._output("stop", f"--time={_STOP_SECONDS}", name)

    def kill(self, name: str) -> None:
        """Sends SIGKILL to a container."""
        self._output("kill", "--signal=KILL", name)

    def reset(self) -> None:
        """Stops every container and deletes the storage."""
        self._output("system", "reset", "--force")

    def _output(self, *args: str) -> str:
        result = self._run(_podman(*args))
        if result.returncode:
            raise RuntimeError(f"podman {' '.join(args)}: {result.stdout}")
        return result.stdout

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={**os.environ, **self.environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            check=False,
        )


def _podman(*args: str) -> list[str]:
    return ["podman", *([f"--runtime={_RUNC}"] if _RUNC.exists() else []), *args]


@contextmanager
def private_podman() -> Iterator[Podman]:
    """A podman that shares nothing with others."""
    # podman limits the folder of its sockets to 50 characters, and folders of tests are longer.
    folder = Path(tempfile.mkdtemp(prefix="souk-"))
    podman = Podman(folder)
    try:
        yield podman
    finally:
        podman.reset()
        shutil.rmtree(folder)
