"""Programs and tests run on the interpreter of the locked packages, with its libraries and none of the machine's."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """\
import bz2, ctypes, hashlib, lzma, sqlite3, ssl, sys, uuid, zlib
import bcrypt, grpc, orjson
maps = {line.split()[-1] for line in open("/proc/self/maps") if "/" in line}
print(*sorted(path for path in maps if ".so" in path or "python" in path), sep="\\n")
"""
# A foreign interpreter (BAZEL_PYTHON) brings its own libraries.
locked = pytest.mark.skipif(bool(os.environ.get("BAZEL_PYTHON")), reason="BAZEL_PYTHON replaces it")


def run(program: str | Path, *arguments: str, folder: Path | None = None) -> str:
    command = [str(program), "-S", "-P", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=folder).stdout


@locked
def test_a_process_has_no_library_of_the_machine() -> None:
    mapped = [Path(line).resolve() for line in run(sys.executable, "-c", SCRIPT).splitlines()]
    usr = Path(sys.executable).resolve().parent.parent
    names = {path.name.partition(".so")[0] for path in mapped}
    assert {"libc", "libssl", "libcrypto", "libsqlite3", "libffi", "libstdc++"} <= names
    site_packages = [path for path in mapped if "site-packages" in path.parts]
    assert [path for path in mapped if path not in site_packages and not path.is_relative_to(usr)] == []


@locked
def test_processes_have_the_name_of_the_interpreter() -> None:
    script = "print(open('/proc/self/comm').read().strip())"
    assert run(sys.executable, "-c", script) == "python3.11\n"


def test_it_runs_by_a_link_and_by_a_relative_path(tmp_path: Path) -> None:
    script = "import os, sys; os.chdir('/'); import ssl; print(sys.executable)"
    link = tmp_path / "python"
    link.symlink_to(Path(sys.executable).resolve())
    assert run(link, "-c", script) == f"{link}\n"
    real = Path(sys.executable).resolve()
    relative = Path(real.parent.name, real.name)
    assert run(relative, "-c", "import os; os.chdir('/'); import ssl", folder=real.parent.parent) == ""


def test_it_imports_no_package_of_the_machine() -> None:
    script = "import sys; print(*sys.path, sep='\\n')"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-S", "-P", "-c", script]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
    assert not re.search(r"^/usr/|dist-packages", output, re.MULTILINE)
