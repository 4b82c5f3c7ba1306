"""Updates third_party/debian/packages.lock from apt's package indexes, for `make lock`.

A version of the stable pool stays there for as long as the release does. One of a security update leaves the archive when the next one
comes, so its file is stored beside the lock, for the architecture that everything is tested on.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RELEASE = "bookworm"
ARCHITECTURES = ("amd64", "arm64")
STORED = "amd64"
SECURITY_POOL = "pool/updates/"
HEADER = "# Written by `make lock`: package, version, architecture, size, SHA-256, path in the archive\n"


@dataclass(frozen=True, slots=True)
class Package:
    """One line of the lock."""

    name: str
    version: str
    architecture: str
    size: str
    sha256: str
    path: str

    @property
    def is_stored(self) -> bool:
        """Whether its file lies beside the lock."""
        return self.architecture in (STORED, "all") and self.path.startswith(SECURITY_POOL)

    @property
    def file(self) -> str:
        """The name of its file."""
        return self.path.rpartition("/")[2]

    def line(self) -> str:
        """Its line in the lock."""
        return (
            " ".join((self.name, self.version, self.architecture, self.size, self.sha256, self.path)) + "\n"
        )


def required(text: str) -> list[str]:
    """The names in packages.in."""
    names = [line.partition("#")[0].strip() for line in text.splitlines()]
    return sorted(name for name in names if name)


def newest(stanzas: str) -> Package:
    """The package to lock of those that `apt-cache show` lists, newest first; the stable pool's file if both pools have the version."""
    versions = [
        dict(line.split(": ", 1) for line in stanza.splitlines() if ": " in line and not line.startswith(" "))
        for stanza in stanzas.strip().split("\n\n")
    ]
    same = [fields for fields in versions if fields["Version"] == versions[0]["Version"]]
    fields = min(same, key=lambda fields: fields["Filename"].startswith(SECURITY_POOL))
    names = ("Package", "Version", "Architecture", "Size", "SHA256", "Filename")
    return Package(*(fields[name] for name in names))


class NoPackagesError(Exception):
    """apt on this machine has no packages of the release."""


class Apt:
    """apt with this machine's archives, but indexes of its own; needs no root."""

    def __init__(self, state: Path, architecture: str) -> None:
        for folder in ("lists/partial", "cache/archives/partial"):
            (state / folder).mkdir(parents=True)
        self._architecture = architecture
        self._options = [
            "APT::Sandbox::User=root",
            f"Dir::State={state}",
            "Dir::State::status=/dev/null",
            f"Dir::Cache={state}/cache",
            f"APT::Architecture={architecture}",
            f"APT::Architectures={architecture}",
            # By default, an archive that cannot be reached is a warning.
            "APT::Update::Error-Mode=any",
        ]
        self._run("apt-get", "--quiet=2", "update")
        listed = self._run("apt-get", "indextargets", "--format=$(CODENAME)", "Created-By: Packages")
        self.codenames = frozenset(listed.split())
        if RELEASE not in self.codenames:
            raise NoPackagesError(f"apt on this machine has no packages of Debian {RELEASE}")

    def newest(self, name: str) -> Package:
        """The package to lock."""
        return newest(self._run("apt-cache", "show", name))

    def download(self, package: Package, folder: Path) -> None:
        """Downloads the package's file, checked by apt against its signed index."""
        with tempfile.TemporaryDirectory() as work:
            self._run("apt-get", "--quiet=2", "download", f"{package.name}={package.version}", folder=work)
            (file,) = Path(work).iterdir()
            (folder / package.file).write_bytes(file.read_bytes())

    def _run(self, program: str, *arguments: str, folder: str | None = None) -> str:
        options = [f"--option={option}" for option in self._options]
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            [program, *options, *arguments],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env=environment,
        ).stdout


def lock(names: list[str], stored: Path) -> Iterator[Package]:
    """The packages to lock; downloads the files of those to store."""
    for architecture in ARCHITECTURES:
        with tempfile.TemporaryDirectory() as state:
            apt = Apt(Path(state), architecture)
            for name in names:
                package = apt.newest(name)
                if package.is_stored and not (stored / package.file).exists():
                    apt.download(package, stored)
                yield package


def main(folder: Path) -> None:
    """Writes the lock and the stored files in this folder."""
    stored = folder / "stored"
    stored.mkdir(exist_ok=True)
    # Those of all architectures are listed once for each.
    packages = dict.fromkeys(lock(required((folder / "packages.in").read_text()), stored))
    (folder / "packages.lock").write_text(HEADER + "".join(package.line() for package in packages))
    files = {package.file for package in packages if package.is_stored}
    for file in stored.iterdir():
        if file.name not in files:
            file.unlink()


if __name__ == "__main__":
    try:
        main(Path("third_party/debian"))
    except NoPackagesError as error:
        sys.exit(f"{error}: run `make lock` on that release")
