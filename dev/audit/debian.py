"""Security updates of Debian that the lock lacks, by apt's indexes. An advisory without an update is not in them."""

import gzip
import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from dev.audit.locks import Entry, Finding, NotComparedError
from dev.debian_lock import RELEASE, SECURITY_POOL, Apt, NoPackagesError

SOURCE = "apt's indexes of Debian and its security updates"


def findings(entries: Sequence[Entry]) -> list[Finding]:
    """Raises NotComparedError if apt has no indexes of the release's security updates that are at least as new as the lock."""
    try:
        with tempfile.TemporaryDirectory() as state:
            apt = Apt(Path(state), "amd64")
            if f"{RELEASE}-security" not in apt.codenames:
                raise NotComparedError(f"apt on this machine has no security updates of Debian {RELEASE}")
            return [finding for entry in entries for finding in _findings(apt, entry, Path(state))]
    except NoPackagesError as error:
        raise NotComparedError(str(error)) from None
    except FileNotFoundError:
        raise NotComparedError("this machine has no apt") from None
    except subprocess.CalledProcessError as error:
        raise NotComparedError(f"{error.cmd[0]} failed with status {error.returncode}") from None


def _findings(apt: Apt, entry: Entry, folder: Path) -> Iterator[Finding]:
    newest = apt.newest(entry.name)
    if _is_newer(entry.version, newest.version):
        raise NotComparedError(
            f"apt's indexes are older than the lock: they have {entry.name} {newest.version}"
        )
    if not _is_newer(newest.version, entry.version):
        return
    apt.download(newest, folder)
    ids = _named_since(entry.version, _changelog(folder / newest.file, entry.name))
    if ids or newest.path.startswith(SECURITY_POOL):
        yield Finding(entry, ids or ("a security update that names no CVE",), (newest.version,))


def _is_newer(version: str, other: str) -> bool:
    return subprocess.run(["dpkg", "--compare-versions", version, "gt", other], check=False).returncode == 0


def _changelog(file: Path, name: str) -> str:
    """Empty if the package takes it from another one."""
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", file], check=True, capture_output=True).stdout
    path = f"./usr/share/doc/{name}/changelog.Debian.gz"
    packed = subprocess.run(["tar", "-xO", path], input=files, check=False, capture_output=True).stdout
    return gzip.decompress(packed).decode() if packed else ""


def _named_since(version: str, changelog: str) -> tuple[str, ...]:
    """The CVEs in the changelog's entries that are newer than the version."""
    names: dict[str, None] = {}
    for entry in re.split(r"^(?=\S+ \()", changelog, flags=re.MULTILINE)[1:]:
        if not _is_newer(entry.partition("(")[2].partition(")")[0], version):
            break
        names |= dict.fromkeys(re.findall(r"CVE-\d+-\d+", entry))
    return tuple(names)
