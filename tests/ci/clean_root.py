"""A new root of Debian, with nothing but its minimal base, in which commands run as in the container of a workflow.

Not here: another network or another kernel. Commands reach the network as this machine does.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

WORKSPACE = "/__w/souk/souk"
# GitHub's runner checks out as this user, while commands in a container are run by root.
_RUNNER = "1001"

# How this machine reaches the package registries: settings of clients, and authorities that it trusts.
_SETTINGS = (
    "/etc/apt/apt.conf.d/99*",
    "/etc/apt/sources.list",
    "/etc/apt/sources.list.d/*",
    "/etc/hosts",
    "/etc/pip.conf",
    "/etc/resolv.conf",
    str(Path.home() / ".npmrc"),
    "/usr/etc/npmrc",
    "/usr/local/share/ca-certificates/*.crt",
)
_VARIABLES = ("_proxy", "_PROXY", "_CERT", "_CERTS", "_CERT_FILE", "_CA_BUNDLE", "PIP_DEFAULT_TIMEOUT")

# Not chroot alone: Linux makes no user namespace for a process in one, and containers cannot change their root there.
_ENTER = """\
mount --bind "$1" "$1"
mount --rbind /dev "$1/dev"
mount --rbind /sys "$1/sys"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
cd "$1"
pivot_root . mnt
umount --lazy /mnt
exec chroot . "${@:2}"
"""


class CleanRoot:
    """A copy of Debian's base in `folder`, which is made by debootstrap once."""

    def __init__(self, folder: Path, release: str) -> None:
        self._base = folder / release
        self._root = folder / "root"
        self._release = release

    def create(self) -> None:
        """Replaces the root by a new one."""
        if not (self._base / "etc" / "debian_version").exists():
            self._bootstrap()
        self.delete()
        subprocess.run(["cp", "-a", str(self._base), str(self._root)], check=True)
        # This machine's sources replace the one that debootstrap wrote.
        (self._root / "etc" / "apt" / "sources.list").unlink(missing_ok=True)
        # As in the image of Debian: packages are not synced to the disk one by one.
        (self._root / "etc" / "dpkg" / "dpkg.cfg.d" / "docker-apt-speedup").write_text("force-unsafe-io\n")
        self._copy_settings()

    def delete(self) -> None:
        """Deletes the root, not the base."""
        if self._root.exists():
            shutil.rmtree(self._root)

    def check_out(self, repository: Path) -> None:
        """Clones the last commit into the workspace, as actions/checkout does."""
        workspace = self._root / WORKSPACE.lstrip("/")
        workspace.parent.mkdir(parents=True)
        clone = ["git", "-c", "safe.directory=*", "clone", "--quiet", "--no-hardlinks"]
        subprocess.run([*clone, str(repository), str(workspace)], check=True)
        subprocess.run(["chown", "-R", f"{_RUNNER}:{_RUNNER}", str(workspace)], check=True)

    def run(self, script: str, env: Mapping[str, str]) -> int:
        """Runs a step's script in the workspace, as GitHub does with `shell: bash`; everything that it started ends with it."""
        (self._root / "step.sh").write_text(f"cd {WORKSPACE} 2> /dev/null || cd /\n{script}\n")
        variables = {"HOME": str(Path.home()), "CI": "true", "GITHUB_ACTIONS": "true", **_network(), **env}
        inside = ["env", "-i", f"PATH={_PATH}", *(f"{name}={value}" for name, value in variables.items())]
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "/step.sh"]
        namespaces = ["unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"]
        command: Sequence[str] = [*namespaces, "bash", "-ec", _ENTER, "enter", str(self._root)]
        # pivot_root is in /usr/sbin, which is not on every caller's PATH.
        env_of_entering = {**os.environ, "PATH": _PATH}
        return subprocess.run([*command, *inside, *shell], check=False, env=env_of_entering).returncode

    def _bootstrap(self) -> None:
        if shutil.which("debootstrap") is None:
            raise FileNotFoundError("debootstrap is not installed: apt-get install debootstrap")
        self._base.parent.mkdir(parents=True, exist_ok=True)
        partial = self._base.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        subprocess.run(["debootstrap", "--variant=minbase", self._release, str(partial)], check=True)
        partial.rename(self._base)

    def _copy_settings(self) -> None:
        for pattern in _SETTINGS:
            for path in Path("/").glob(pattern.lstrip("/")):
                target = self._root / path.relative_to("/")
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def _network() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.endswith(_VARIABLES)}
