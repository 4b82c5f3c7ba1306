"""Loads built images into podman or docker, pushes them to a registry, and prints their sizes and digests.

python -m bazel.oci.images load|push|push-all|sizes|digests|sboms LAYOUT... [-- ARGUMENT...], with layouts as paths of runfiles.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NAME = "org.opencontainers.image.ref.name"
_VERSION = "org.opencontainers.image.version"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True, slots=True)
class Layout:
    """An OCI layout directory of bazel/oci/layout.py."""

    path: Path

    def blob(self, digest: str) -> bytes:
        """The blob with this digest."""
        return (self.path / "blobs" / digest.replace(":", "/")).read_bytes()

    def document(self, digest: str) -> dict[str, Any]:
        """The blob with this digest, parsed as JSON."""
        document: dict[str, Any] = json.loads(self.blob(digest))
        return document

    @property
    def named(self) -> dict[str, dict[str, Any]]:
        """The descriptors in the index by name: the image and its SBOM."""
        index = json.loads((self.path / "index.json").read_text())
        return {descriptor["annotations"][_NAME]: descriptor for descriptor in index["manifests"]}

    @property
    def name(self) -> str:
        """The image's repository, without a registry."""
        return next(iter(self.named))

    @property
    def digest(self) -> str:
        """The image's digest, as in a registry."""
        return str(self.named[self.name]["digest"])

    @property
    def sbom(self) -> str:
        """The name of the image's SBOM."""
        return self.digest.replace(":", "-") + ".sbom"

    @property
    def sbom_content(self) -> bytes:
        """The SBOM, SPDX as JSON."""
        return self.blob(self.document(self.named[self.sbom]["digest"])["layers"][0]["digest"])

    @property
    def manifest(self) -> dict[str, Any]:
        """The image's manifest."""
        return self.document(self.digest)

    @property
    def layers(self) -> dict[str, dict[str, Any]]:
        """The descriptors of the image's layers by name."""
        manifest = self.manifest
        history = self.document(manifest["config"]["digest"])["history"]
        names = [entry["created_by"].rpartition(" ")[2] for entry in history]
        return dict(zip(names, manifest["layers"], strict=True))

    @property
    def version(self) -> str:
        """The image's version as a tag."""
        return str(self.manifest["annotations"][_VERSION]).replace("+", "_")


def skopeo_copy(*arguments: str) -> None:
    """skopeo copy, which copies layouts unchanged."""
    subprocess.run(["skopeo", "--insecure-policy", "copy", "--quiet", *arguments], check=True)


def load(layout: Layout, reference: str = "") -> str:
    """Loads the image into podman, or else docker; returns its name there."""
    name = reference or f"{layout.name}:latest"
    store = "containers-storage:localhost/" if shutil.which("podman") else "docker-daemon:"
    skopeo_copy(f"oci:{layout.path}:{layout.name}", store + name)
    return name


def push(layout: Layout, reference: str, options: Sequence[str] = ()) -> str:
    """Pushes the image and its SBOM; returns the reference with the digest, for manifests."""
    if reference.startswith(_LOOPBACK):
        options = ["--dest-tls-verify=false", *options]
    repository = reference.rpartition(":")[0] if ":" in reference.rpartition("/")[2] else reference
    source = f"oci:{layout.path}"
    unchanged = ["--preserve-digests", *options]
    skopeo_copy(*unchanged, f"{source}:{layout.name}", f"docker://{reference}")
    skopeo_copy(*unchanged, f"{source}:{layout.sbom}", f"docker://{repository}:{layout.sbom}")
    return f"{reference}@{layout.digest}"


def sizes(layouts: Sequence[Layout]) -> str:
    """A table of compressed sizes by layer, and the total in a registry, where equal layers are stored once."""
    lines: list[str] = []
    stored: dict[str, int] = {}
    for layout in layouts:
        blobs = [layout.manifest["config"], *layout.layers.values()]
        layer_sizes = [f"{name} {_megabytes(blob['size'])}" for name, blob in layout.layers.items()]
        total = sum(blob["size"] for blob in blobs)
        lines.append(f"{layout.name:<20}{_megabytes(total):>6} MB   {', '.join(layer_sizes)}")
        stored |= {blob["digest"]: blob["size"] for blob in blobs}
    lines.append(f"{'all in a registry':<20}{_megabytes(sum(stored.values())):>6} MB")
    return "\n".join(lines)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f}"


def main(command: str, args: Sequence[str]) -> None:
    """Runs the command on the layouts before `--`, with the arguments after it."""
    split = list(args).index("--")
    layouts = [Layout(Path(os.environ["RUNFILES_DIR"], "souk", path).resolve()) for path in args[:split]]
    arguments = args[split + 1 :]
    match command, arguments:
        case "load", [] | [_]:
            for layout in layouts:
                print(load(layout, *arguments))
        case "push", [reference, *options]:
            print(push(layouts[0], reference, options))
        case "push-all", [registry] | [registry, _]:
            for layout in layouts:
                tag = arguments[1] if len(arguments) > 1 else layout.version
                print(push(layout, f"{registry}/{layout.name}:{tag}"), flush=True)
        case "sboms", [folder]:
            for layout in layouts:
                file = Path(folder, layout.name.rpartition("/")[2] + ".spdx.json")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(layout.sbom_content)
                print(file)
        case "sizes", []:
            print(sizes(layouts))
        case "digests", []:
            for layout in layouts:
                print(f"{layout.name}@{layout.digest}")
                # They say where two builds differ.
                for name, layer in layout.layers.items():
                    print(f"  {name:<7}{layer['digest']}")
        case _:
            sys.exit(
                "usage: bazel run //order:image_load [-- NAME:TAG]\n"
                "       bazel run //order:push -- REGISTRY/REPOSITORY:TAG [SKOPEO-OPTION...]\n"
                "       bazel run //:image_load\n"
                "       bazel run //:push -- REGISTRY [TAG]\n"
                "       bazel run //:image_sizes\n"
                "       bazel run //:image_digests\n"
                "       bazel run //:image_sboms -- FOLDER"
            )


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
