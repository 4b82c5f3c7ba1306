"""Writes the base layer: the interpreter of the locked Debian packages, what it needs to run, certificates and time zones of locked
distributions, and an unprivileged user.

Like a distroless image it has no shell and no package manager. Nothing in it is of the machine that builds it.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

from bazel.oci.elf import needed, stripped
from bazel.oci.layer import AUTHORITIES, Layer

# Parts of the standard library that no service imports.
UNUSED = {"config", "distutils", "lib2to3", "pydoc_data", "sitecustomize.py", "turtle.py"}
# Extension modules that a service never needs.
UNUSED_EXTENSIONS = ("_test", "_xxtest", "xxlimited", "ossaudiodev")
# Wheels may expect these of the system (the manylinux policy), whatever the interpreter needs.
EXTRA_LIBRARIES = ("libgcc_s.so.1", "libstdc++.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1")

NONROOT = 65532
PASSWD = f"root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:{NONROOT}:{NONROOT}:nonroot:/home/nonroot:/sbin/nologin\n"
GROUP = f"root:x:0:\nnonroot:x:{NONROOT}:\n"


def standard_library(folder: Path) -> Iterator[Path]:
    """The files of the standard library that services may use, with their bytecode."""
    for file in folder.rglob("*"):
        parts = set(file.relative_to(folder).parts)
        is_configuration = any(part.startswith("config-") for part in parts)
        if file.is_dir() or is_configuration or parts & UNUSED or file.name.startswith(UNUSED_EXTENSIONS):
            continue
        # The bytecode goes with its source.
        if file.parent.name != "__pycache__" or f"{file.name.partition('.')[0]}.py" not in UNUSED:
            yield file


def libraries(folder: Path, binaries: list[Path]) -> set[str]:
    """The libraries in the folder that the binaries are linked with, and those that these are; raises FileNotFoundError."""
    waiting = [*EXTRA_LIBRARIES, *(name for binary in binaries for name in needed(binary.read_bytes()))]
    result: set[str] = set()
    while waiting:
        if (name := waiting.pop()) not in result:
            result.add(name)
            waiting += needed((folder / name).read_bytes())
    return result


def add_interpreter(layer: Layer, root: Path) -> None:
    """Adds the interpreter, its standard library and their libraries."""
    usr = root / "usr"
    interpreter = usr / "libexec/python3.11.elf"
    files = list(standard_library(usr / "lib/python3.11"))
    (folder,) = (usr / "lib").glob("*-linux-gnu")
    for name in ("lib", "lib64"):
        layer.add_symlink(f"/{name}", f"usr/{name}")
    layer.add_file("/usr/bin/python3.11", stripped(interpreter.read_bytes()), mode=0o755)
    # Where the interpreter names it: in lib64 on amd64, in lib on arm64.
    for loader in (*usr.glob("lib64/ld-*"), *usr.glob("lib/ld-*")):
        layer.add_file(f"/{loader.relative_to(root)}", loader, mode=0o755)
    for name in libraries(folder, [interpreter, *(file for file in files if file.suffix == ".so")]):
        layer.add_file(f"/usr/lib/{folder.name}/{name}", folder / name, mode=0o755)
    for file in files:
        layer.add_file(f"/{file.relative_to(root)}", file)


def add_packages(layer: Layer, root: Path) -> list[dict[str, str]]:
    """Adds the metadata and licenses of the packages that the layer has files of; returns the metadata.

    Scanners read them where there is no package manager.
    """
    layer.add_file("/etc/os-release", root / "usr/lib/os-release")
    inside = layer.paths() | {"/usr/lib/os-release"}
    packages = []
    for status in sorted((root / "var/lib/dpkg/status.d").iterdir()):
        files = (root / "var/lib/dpkg/info" / f"{status.name}.list").read_text().splitlines()
        if inside.isdisjoint(file for file in files if not file.endswith("/")):
            continue
        layer.add_file(f"/var/lib/dpkg/status.d/{status.name}", status)
        copyright_file = Path("usr/share/doc", status.name, "copyright")
        layer.add_file(f"/{copyright_file}", root / copyright_file)
        packages.append(dict(line.split(": ", 1) for line in status.read_text().splitlines()))
    return packages


def add_system(layer: Layer, authorities: Path, zones: Path) -> None:
    """Adds /etc, /usr/share/zoneinfo, /home and /tmp."""
    layer.add_file("/etc/passwd", PASSWD.encode())
    layer.add_file("/etc/group", GROUP.encode())
    layer.add_file("/etc/nsswitch.conf", b"hosts: files dns\n")
    layer.add_file(AUTHORITIES, authorities)
    for zone in (zones / "zones").read_text().split():
        layer.add_file(f"/usr/share/zoneinfo/{zone}", zones / "zoneinfo" / zone)
    layer.add_directory("/home/nonroot", mode=0o700, uid=NONROOT)
    layer.add_directory("/tmp", mode=0o1777)  # noqa: S108 - of the image


def main() -> None:
    """Writes the layer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--root", type=Path, required=True, help="the unpacked Debian packages")
    parser.add_argument("--authorities", type=Path, required=True, help="the list of trusted authorities")
    parser.add_argument("--zones", type=Path, required=True, help="the package tzdata")
    parser.add_argument(
        "--packages", type=Path, required=True, help="where to list the packages in the layer"
    )
    args = parser.parse_args()
    layer = Layer()
    add_interpreter(layer, args.root)
    packages = add_packages(layer, args.root)
    add_system(layer, args.authorities, args.zones)
    layer.write(args.output)
    args.packages.write_text(json.dumps(packages, indent=1) + "\n")


if __name__ == "__main__":
    main()
