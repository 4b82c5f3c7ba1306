"""The base layer has what the interpreter needs, of the locked packages, and nothing of the machine."""

import io
import marshal
import os
import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path

import pytest

from bazel.oci.base_layer import EXTRA_LIBRARIES
from bazel.oci.elf import needed, stripped

RUNFILES = Path(os.environ["RUNFILES_DIR"])
DEBIAN = RUNFILES / "debian" / "system"
# The machine's own, which is not that of the lock.
FOREIGN = Path("/usr/bin/python3.11")


@cache
def content() -> dict[str, bytes]:
    """The files of the base layer."""
    layer = RUNFILES / "souk/bazel/oci/base.tar.gz"
    with tarfile.open(layer) as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}  # type: ignore[union-attr]


def owned() -> set[str]:
    """The files of all packages."""
    lists = (DEBIAN / "var/lib/dpkg/info").glob("*.list")
    return {line.strip("/") for path in lists for line in path.read_text().splitlines()}


def test_every_library_that_a_file_needs_is_there() -> None:
    names = {Path(path).name for path in content()}
    required = {library for data in content().values() for library in needed(data)}
    assert {"libc.so.6", "libssl.so.3", "libz.so.1"} <= required
    assert required | {*EXTRA_LIBRARIES} <= names


def test_every_program_and_library_is_of_a_listed_package() -> None:
    binaries = {path for path, data in content().items() if data.startswith(b"\x7fELF")}
    assert len(binaries) > 40
    assert binaries <= owned()
    listed = {path.rpartition("/")[2] for path in content() if path.startswith("var/lib/dpkg/status.d/")}
    assert {f"usr/share/doc/{name}/copyright" for name in listed} <= {*content()}
    assert "libc6" in listed
    assert "python3-pip-whl" not in listed


def test_binaries_are_those_of_the_packages() -> None:
    interpreter = (DEBIAN / "usr/libexec/python3.11.elf").read_bytes()
    assert content()["usr/bin/python3.11"] == stripped(interpreter)
    for path, data in content().items():
        if ".so" in path:
            assert data == (DEBIAN / path).read_bytes(), path


def test_bytecode_depends_neither_on_time_nor_on_the_folder_of_the_build() -> None:
    bytecode = {path: data for path, data in content().items() if path.endswith(".pyc")}
    assert len(bytecode) > 500
    for path, data in bytecode.items():
        assert data[4:8] == b"\1\0\0\0", f"{path} is checked against the time of its source"
        source = f"/{path.replace('__pycache__/', '').replace('.cpython-311', '').removesuffix('c')}"
        assert marshal.loads(data[16:]).co_filename == source


@pytest.mark.skipif(not FOREIGN.exists(), reason="it compares with an interpreter of the machine")
def test_another_interpreter_in_another_environment_writes_the_same_layer(tmp_path: Path) -> None:
    output, packages = tmp_path / "base.tar.gz", tmp_path / "packages.json"
    inputs: list[str | Path] = ["--root", DEBIAN, "--zones", RUNFILES / "pypi/site-packages/tzdata"]
    inputs += ["--authorities", RUNFILES / "pypi/ca-certificates.crt"]
    outputs: list[str | Path] = ["--output", output, "--packages", packages]
    environment = {
        "PYTHONPATH": str(RUNFILES / "souk"),
        "LD_PRELOAD": "libm.so.6",
        "TZ": "Asia/Tokyo",
        "LANG": "C",
    }
    command: list[str | Path] = [FOREIGN, "-S", "-P", "-m", "bazel.oci.base_layer", *inputs, *outputs]
    subprocess.run(command, check=True, env=environment, umask=0o077)
    assert str(FOREIGN) != sys.executable
    with tarfile.open(fileobj=io.BytesIO(output.read_bytes())) as tar:
        modes = {entry.mode for entry in tar if entry.isfile()}
    assert modes == {0o644, 0o755}
    assert packages.read_bytes() == (RUNFILES / "souk/bazel/oci/base.packages.json").read_bytes()
    assert output.read_bytes() == (RUNFILES / "souk/bazel/oci/base.tar.gz").read_bytes()
