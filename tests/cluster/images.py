"""The images of a cluster: Souk's as they were built, and stand-ins for the third-party images that k8s/base names.

The latter are made of this machine's programs and of the servers of third_party, because a test must not depend on a public registry.
`stand_ins/` has their entrypoints, which read their environment as far as the manifests use it.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from bazel.oci.images import Layout
from tests.cluster.archives import Archive, Layer
from tests.cluster.configuration import PAUSE

COREDNS: Final = "localhost/coredns:souk"
_ENTRYPOINTS: Final = Path(__file__).parent / "stand_ins"
_PROGRAMS: Final = (
    "bash", "cat", "chmod", "cp", "env", "grep", "head", "id", "ls", "mkdir", "mv", "node", "printf",
    "redis-cli", "redis-server", "rm", "sed", "sleep", "tail", "timeout",
)  # fmt: skip
_TREES: Final = (
    "/etc/java-17-openjdk",
    "/usr/lib/jvm/java-17-openjdk-amd64",
    "/usr/lib/locale/C.utf8",
    "/usr/lib/postgresql/15",
    "/usr/lib/x86_64-linux-gnu/gconv",
    "/usr/share/nodejs",
    "/usr/share/postgresql/15",
    "/usr/share/zoneinfo",
)
# Folders of theirs that only developers need, half of all.
_UNUSED: Final = frozenset({"jmods", "bitcode", "include", "legal", "man"})
_LDD_FILES: Final = 50
_EVERYONE: Final = 0o1777


def souk_image(service: str, tag: str = "latest") -> str:
    """The name of a service's image, as containerd knows it."""
    return f"docker.io/souk/{service}:{tag}"


def third_party_images(checkout: Path) -> set[str]:
    """The images of others that a checkout's manifests name."""
    manifests = (checkout / "k8s" / "base").glob("*.yaml")
    return {
        image
        for manifest in manifests
        for image in re.findall(r"^ +image: (\S+)$", manifest.read_text(), re.MULTILINE)
        if not image.startswith("souk/")
    }


def write_images(
    path: Path, programs: Path, souk: Mapping[str, Layout], others: Iterable[str], scratch: Path
) -> None:
    """Writes everything that runs in a cluster into one archive; `programs`: the folder of @kubernetes, `others`: third-party images."""
    with Archive(path) as archive:
        for name, image in (("pause", PAUSE), ("coredns", COREDNS)):
            layer = Layer(scratch / f"{name}.tar")
            layer.add(f"/{name}", (programs / "bin" / name).read_bytes())
            layer.close()
            archive.add_image(image, [layer.path], {"Entrypoint": [f"/{name}"]})
        for service, layout in souk.items():
            archive.add_layout(layout, souk_image(service))
        base = Layer(scratch / "base.tar")
        _fill_base(base)
        base.close()
        for image in sorted(others):
            repository = image.partition(":")[0]
            name, fill = _STAND_INS[repository]
            layer = Layer(scratch / f"{name}.tar")
            layer.add("/entrypoint", (_ENTRYPOINTS / f"{name}.sh").read_bytes())
            fill(layer)
            layer.close()
            config = {
                "Entrypoint": ["/entrypoint"],
                "Env": ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8"],
            }
            docker = "docker.io/" if "/" in repository else "docker.io/library/"
            archive.add_image(docker + image, [base.path, layer.path], config)


def _external(*parts: str) -> Path:
    """A folder of another repository, from Bazel's runfiles or below the folder SOUK_EXTERNAL."""
    return Path(os.environ.get("SOUK_EXTERNAL") or os.environ["RUNFILES_DIR"], *parts).resolve()


def _fill_base(layer: Layer) -> None:
    files = {Path("/usr/bin", name) for name in _PROGRAMS}
    for tree in _TREES:
        files |= {path for path in Path(tree).rglob("*") if path.is_file() and not _UNUSED & {*path.parts}}
    for folder in ("/bin", "/lib", "/lib64", "/sbin"):
        layer.link(folder, os.readlink(folder))
    for path in sorted(files | _libraries(files)):
        # With the folder resolved: /lib is a link.
        layer.add(
            str(path.parent.resolve() / path.name), path.read_bytes(), path.stat().st_mode & 0o755 | 0o444
        )
    layer.link("/usr/bin/sh", "bash")
    users = "root:x:0:0::/root:/bin/sh\npostgres:x:999:999::/tmp:/bin/sh\nserver:x:1000:1000::/tmp:/bin/sh\n"
    layer.add("/etc/passwd", users.encode(), 0o644)
    layer.add("/etc/group", b"root:x:0:\npostgres:x:999:\nserver:x:1000:\n", 0o644)
    layer.add("/etc/nsswitch.conf", b"hosts: files dns\n", 0o644)
    layer.folder("/tmp", _EVERYONE)
    for name in ("pg_isready", "psql"):
        layer.link(f"/usr/local/bin/{name}", f"/usr/lib/postgresql/15/bin/{name}")


def _libraries(files: Iterable[Path]) -> set[Path]:
    programs = sorted(str(path) for path in files if os.access(path, os.X_OK) or ".so" in path.name)
    libraries = set[Path]()
    for start in range(0, len(programs), _LDD_FILES):
        # Without the caller's environment: LD_PRELOAD would add to what is listed.
        command = ["ldd", *programs[start : start + _LDD_FILES]]
        result = subprocess.run(
            command, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin:/bin"}
        )
        libraries |= {Path(path) for path in re.findall(r"(/\S+) \(0x", result.stdout)}
    return libraries


def _postgres(layer: Layer) -> None:
    for folder in ("/var/lib/postgresql/data", "/var/run/postgresql", "/docker-entrypoint-initdb.d"):
        layer.folder(folder, _EVERYONE)


def _redis(layer: Layer) -> None:
    layer.folder("/data", _EVERYONE)


def _kafka(layer: Layer) -> None:
    layer.tree(_external("kafka", "home"), "/opt/kafka/home")
    for folder in ("/opt/kafka/config", "/var/lib/kafka/data"):
        layer.folder(folder, _EVERYONE)


def _elasticsearch(layer: Layer) -> None:
    home = _external("elasticsearch", "home")
    settings = "config/elasticsearch.yml"
    listening = (home / settings).read_text().replace("http.host: 127.0.0.1", "http.host: 0.0.0.0")
    layer.add(f"/opt/elasticsearch/home/{settings}", listening.encode(), 0o644)
    layer.tree(home, "/opt/elasticsearch/home")
    layer.folder("/usr/share/elasticsearch/data", _EVERYONE)


def _mail(layer: Layer) -> None:
    layer.tree(_external("npm", "node_modules"), "/opt/npm/node_modules")


# The repositories that k8s/base names, and the entrypoint and the files of their stand-ins.
_STAND_INS: Final[Mapping[str, tuple[str, Callable[[Layer], None]]]] = {
    "apache/kafka": ("kafka", _kafka),
    "elasticsearch-icu": ("elasticsearch", _elasticsearch),
    "maildev/maildev": ("mail", _mail),
    "postgres": ("postgres", _postgres),
    "redis": ("redis", _redis),
}
