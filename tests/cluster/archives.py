"""Writes archives of images for `ctr images import`: OCI layouts as tar files."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from bazel.oci.images import Layout

_NAME: Final = "io.containerd.image.name"
_TYPE: Final = "application/vnd.oci.image"


class Layer:
    """A layer in a file: folders are created as needed, and of two entries with the same path the first one counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._tar, self._paths = tarfile.open(path, "w"), set[str]()  # noqa: SIM115

    def add(self, path: str, content: bytes, mode: int = 0o755) -> None:
        """A file."""
        entry = self._entry(path, mode)
        if entry:
            entry.size = len(content)
            self._tar.addfile(entry, io.BytesIO(content))

    def link(self, path: str, target: str) -> None:
        """A symbolic link."""
        entry = self._entry(path, 0o777)
        if entry:
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            self._tar.addfile(entry)

    def folder(self, path: str, mode: int = 0o755) -> None:
        """An empty folder."""
        entry = self._entry(path, mode)
        if entry:
            entry.type = tarfile.DIRTYPE
            self._tar.addfile(entry)

    def tree(self, source: Path, target: str) -> None:
        """All files below `source`."""
        for path in sorted(source.rglob("*")):
            if path.is_file():
                self.add(f"{target}/{path.relative_to(source)}", path.read_bytes(), 0o644)

    def close(self) -> None:
        """Completes the file."""
        self._tar.close()

    def _entry(self, path: str, mode: int) -> tarfile.TarInfo | None:
        name = path.lstrip("/")
        if name in self._paths:
            return None
        parent = name.rpartition("/")[0]
        if parent:
            self.folder(parent)
        self._paths.add(name)
        entry = tarfile.TarInfo(name)
        entry.mode = mode
        return entry


class Archive:
    """An archive; every blob is in it once."""

    def __init__(self, path: Path) -> None:
        self._tar, self._digests = tarfile.open(path, "w"), set[str]()  # noqa: SIM115
        self._images: list[dict[str, Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        self._write("index.json", json.dumps({"schemaVersion": 2, "manifests": self._images}).encode())
        self._tar.close()

    def add_layout(self, layout: Layout, name: str) -> None:
        """An image as it was built, byte for byte."""
        manifest = layout.manifest
        for blob in (manifest["config"], *manifest["layers"]):
            self._blob(layout.blob(blob["digest"]))
        described = layout.named[layout.name]
        self._blob(layout.blob(described["digest"]))
        self._images.append(
            {
                "mediaType": described["mediaType"],
                "digest": described["digest"],
                "size": described["size"],
                "annotations": {_NAME: name},
            }
        )

    def add_image(self, name: str, layers: Sequence[Path], config: Mapping[str, Any]) -> None:
        """An image of these layers."""
        described = [self._described("layer.v1.tar", layer.read_bytes()) for layer in layers]
        document = {
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in described]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{_TYPE}.manifest.v1+json",
            "config": self._described("config.v1+json", json.dumps(document).encode()),
            "layers": described,
        }
        image = self._described("manifest.v1+json", json.dumps(manifest).encode())
        self._images.append({**image, "annotations": {_NAME: name}})

    def _described(self, kind: str, content: bytes) -> dict[str, Any]:
        return {"mediaType": f"{_TYPE}.{kind}", "digest": self._blob(content), "size": len(content)}

    def _blob(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        if digest not in self._digests:
            self._digests.add(digest)
            self._write(f"blobs/sha256/{digest}", content)
        return f"sha256:{digest}"

    def _write(self, name: str, content: bytes) -> None:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        self._tar.addfile(entry, io.BytesIO(content))
