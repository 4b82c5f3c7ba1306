"""The lock of Debian's packages: which of the versions in apt's indexes is locked, and which files are stored."""

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dev.debian_lock import ARCHITECTURES, Package, newest, required

FOLDER = Path("third_party/debian")
STABLE = """\
Package: libexpat1
Version: {version}
Architecture: amd64
Description: XML parsing C library
 Version: of a description
Filename: pool/main/e/expat/libexpat1_amd64.deb
Size: 10
SHA256: aa

"""
SECURITY = STABLE.replace("pool/main", "pool/updates/main").replace("aa", "bb")


def locked() -> list[Package]:
    lines = (FOLDER / "packages.lock").read_text().splitlines()
    return [Package(*line.split()) for line in lines if not line.startswith("#")]


def test_reasons_are_no_part_of_the_names() -> None:
    assert required("# A comment.\nzlib1g # zlib\n\nlibc6\n") == ["libc6", "zlib1g"]


def test_a_security_update_is_locked_and_its_file_kept() -> None:
    package = newest(SECURITY.format(version="2-1") + STABLE.format(version="1-1"))
    assert (package.version, package.sha256, package.is_stored) == ("2-1", "bb", True)


def test_a_version_that_both_pools_have_is_taken_from_the_one_that_keeps_it() -> None:
    package = newest(SECURITY.format(version="2-1") + STABLE.format(version="2-1"))
    assert (package.version, package.sha256, package.is_stored) == ("2-1", "aa", False)


def test_every_required_package_is_locked_for_every_architecture() -> None:
    names = required((FOLDER / "packages.in").read_text())
    lines = {(package.name, package.architecture) for package in locked()}
    for name in names:
        assert (name, "all") in lines or {(name, architecture) for architecture in ARCHITECTURES} <= lines, (
            name
        )
    assert {name for name, _ in lines} == {*names}
    assert all(re.fullmatch("[0-9a-f]{64}", package.sha256) for package in locked())


def test_the_kept_files_are_those_that_will_leave_the_archive() -> None:
    stored = {package.file: package.sha256 for package in locked() if package.is_stored}
    files = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (FOLDER / "stored").iterdir()
    }
    assert files == stored


@pytest.mark.skipif(not shutil.which("apt-get"), reason="without apt there is no index to read")
def test_a_package_that_has_left_the_archive_is_named_with_what_to_do(tmp_path: Path) -> None:
    archive, folder = tmp_path / "archive", tmp_path / "debian"
    archive.mkdir()
    (archive / "Packages").touch()
    sources = tmp_path / "sources.list"
    sources.write_text(f"deb [trusted=yes] file:{archive} ./\n")
    configuration = tmp_path / "apt.conf"
    etc = f'Dir::Etc::sourcelist "{sources}"; Dir::Etc::sourceparts "-";'
    configuration.write_text(f'{etc} Dir::State "{tmp_path}/state"; APT::Sandbox::User "root";\n')
    folder.mkdir()
    shutil.copy(FOLDER / "assemble.sh", folder)
    (folder / "packages.lock").write_text(
        f"gone 1.0-1 all 10 {'0' * 64} pool/main/g/gone/gone_1.0-1_all.deb\n"
    )
    done = subprocess.run(
        ["bash", folder / "assemble.sh"],
        env={**os.environ, "APT_CONFIG": str(configuration)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot get gone 1.0-1 as locked in third_party/debian" in done.stderr
    assert "`make lock`" in done.stderr
    assert not (folder / "system/var/lib/dpkg/status.d/gone").exists()
