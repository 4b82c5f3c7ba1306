"""Steps run in a clean root as in a container of their own."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.ci.clean_root import CleanRoot

PROGRAMS = ("bash", "chroot", "env", "id", "mount", "pivot_root", "umount", "unshare")

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a root of Debian is made by root only")


@pytest.fixture
def root(tmp_path: Path) -> CleanRoot:
    """One with a few programs of this machine, instead of the base that debootstrap makes."""
    base = tmp_path / "small"
    for folder in (
        "dev",
        "etc/apt",
        "etc/dpkg/dpkg.cfg.d",
        "mnt",
        "proc",
        "sys",
        "tmp",
        "usr/bin",
        "usr/lib",
        "usr/lib64",
    ):
        (base / folder).mkdir(parents=True)
    for name in ("bin", "lib", "lib64"):
        (base / name).symlink_to(f"usr/{name}")
    (base / "etc" / "debian_version").touch()
    for name in PROGRAMS:
        # Some are not on the PATH of a Bazel test.
        program = shutil.which(name, path="/usr/sbin:/usr/bin")
        assert program is not None
        linked = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        for file in (program, *re.findall(r"/\S+", linked)):
            target = base / file.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
    result = CleanRoot(tmp_path, "small")
    result.create()
    return result


@pytest.mark.parametrize(
    ("step", "status"),
    [
        ("exit 3", 3),
        # What a pipe hides by default.
        ("false_program | id", 127),
        # As PostgreSQL is started by the tests, which does not run as root.
        ("test $(unshare --user --map-user=1000 id -u) = 1000", 0),
        # As containers start.
        ("unshare --mount bash -c 'mount --bind /etc /etc && cd /etc && pivot_root . .'", 0),
        # The root of this machine is nowhere in it.
        ("test \"$(echo /mnt/*)\" = '/mnt/*'", 0),
        ('test "$SECRET" = of-the-step && test $HOME = /root', 0),
    ],
)
def test_a_step_runs_as_in_a_container(
    root: CleanRoot, step: str, status: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert root.run(step, {"SECRET": "of-the-step"}) == status, capfd.readouterr()
