"""make audit compares the lock of Debian's packages with real archives on the disk, which apt reads."""

import gzip
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.audit import debian
from dev.audit.locks import Entry, NotComparedError

pytestmark = pytest.mark.skipif(not shutil.which("apt-get"), reason="without apt there is no index to read")

CHANGELOG = """\
example (1.0-1+deb12u2) bookworm-security; urgency=high

  * Fix CVE-2026-2.

example (1.0-1+deb12u1) bookworm-security; urgency=high

  * Fix CVE-2026-1.
"""


def archive(folder: Path, codename: str, version: str, changelog: str) -> str:
    """Makes an archive of one package, and returns its line for apt."""
    package = folder / "package"
    documents = package / "usr/share/doc/libexample1"
    (package / "DEBIAN").mkdir(parents=True)
    documents.mkdir(parents=True)
    (documents / "changelog.Debian.gz").write_bytes(gzip.compress(changelog.encode()))
    fields = f"Package: libexample1\nVersion: {version}\nArchitecture: amd64\nMaintainer: A <a@example.com>\nDescription: x\n"
    (package / "DEBIAN" / "control").write_text(fields)
    subprocess.run(["dpkg-deb", "--build", package, folder / "a.deb"], check=True, capture_output=True)
    content = (folder / "a.deb").read_bytes()
    index = f"{fields}Filename: a.deb\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
    dist = folder / "dists" / codename
    packages = dist / "main/binary-amd64/Packages"
    packages.parent.mkdir(parents=True)
    packages.write_text(index)
    released = f"Suite: {codename}\nCodename: {codename}\nDate: Tue, 01 Dec 2026 00:00:00 UTC\n"
    digest = hashlib.sha256(index.encode()).hexdigest()
    (dist / "Release").write_text(f"{released}SHA256:\n {digest} {len(index)} {packages.relative_to(dist)}\n")
    return f"deb [trusted=yes] file:{folder} {codename} main\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    """One with a short path: apt makes names of files from paths of archives."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def sources(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The archives that apt is configured with: the release, and its security updates."""
    for name in ("release", "security"):
        (folder / name).mkdir()
    lines = [
        archive(folder / "release", "bookworm", "1.0-1", ""),
        archive(folder / "security", "bookworm-security", "1.0-1+deb12u2", CHANGELOG),
    ]
    sources = folder / "sources.list"
    sources.write_text("".join(lines))
    configuration = folder / "apt.conf"
    configuration.write_text(f'Dir::Etc::sourcelist "{sources}"; Dir::Etc::sourceparts "-";\n')
    monkeypatch.setenv("APT_CONFIG", str(configuration))
    return sources


def test_a_security_update_that_the_lock_lacks_is_a_finding() -> None:
    (finding,) = debian.findings([Entry("Debian", "libexample1", "1.0-1+deb12u1")])
    assert (finding.ids, finding.fixed) == (("CVE-2026-2",), ("1.0-1+deb12u2",))


def test_the_newest_version_has_no_finding() -> None:
    assert not debian.findings([Entry("Debian", "libexample1", "1.0-1+deb12u2")])


def test_indexes_that_are_older_than_the_lock_are_no_result() -> None:
    with pytest.raises(NotComparedError, match="older than the lock"):
        debian.findings([Entry("Debian", "libexample1", "1.0-1+deb12u3")])


def test_an_archive_that_cannot_be_read_is_no_result(sources: Path, folder: Path) -> None:
    # Nothing listens on this port.
    sources.write_text(sources.read_text().replace(f"file:{folder}/security", "http://127.0.0.1:1"))
    with pytest.raises(NotComparedError, match="apt-get failed"):
        debian.findings([Entry("Debian", "libexample1", "1.0-1+deb12u2")])


def test_a_machine_without_security_updates_is_no_result(sources: Path) -> None:
    sources.write_text(sources.read_text().splitlines(keepends=True)[0])
    with pytest.raises(NotComparedError, match="no security updates"):
        debian.findings([Entry("Debian", "libexample1", "1.0-1+deb12u2")])


def test_another_release_is_no_result(sources: Path) -> None:
    sources.write_text("")
    with pytest.raises(NotComparedError, match="no packages of Debian bookworm"):
        debian.findings([Entry("Debian", "libexample1", "1.0-1+deb12u2")])
