"""Images as files: valid OCI layouts, small, labelled, and without anything that a service does not need."""

import gzip
import hashlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bazel.oci.images import Layout, main
from tests.images.built import layouts

MEGABYTE = 1_000_000
LAYOUTS = layouts()
LABEL = "org.opencontainers.image."
# Programs that must not be in an image.
TOOLS = re.compile(r"(^|/)s?bin/(sh|bash|dash|busybox|apt|apt-get|dpkg|apk|pip3?|perl|curl|wget)$")


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]


@cache
def unpacked(path: Any, digest: str) -> bytes:
    """A decompressed layer."""
    return gzip.decompress(Layout(path).blob(digest))


def entries(layout: Layout) -> Iterator[tarfile.TarInfo]:
    """All entries of an image's layers."""
    for layer in layout.manifest["layers"]:
        with tarfile.open(fileobj=io.BytesIO(unpacked(layout.path, layer["digest"]))) as tar:
            yield from tar


def config(layout: Layout) -> dict[str, Any]:
    """The image's config."""
    return layout.document(layout.manifest["config"]["digest"])


def test_the_image_is_an_oci_layout(layout: Layout) -> None:
    assert json.loads((layout.path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((layout.path / "index.json").read_text())
    assert index["schemaVersion"] == 2
    assert {path.name for path in layout.path.iterdir()} == {"blobs", "index.json", "oci-layout"}


def test_every_blob_matches_its_digest_and_is_used(layout: Layout) -> None:
    used = {}
    for described in layout.named.values():
        manifest = layout.document(described["digest"])
        for blob in (described, manifest["config"], *manifest["layers"]):
            used[blob["digest"]] = blob["size"]
    blobs = {
        f"sha256:{path.name}": path.read_bytes() for path in (layout.path / "blobs" / "sha256").iterdir()
    }
    assert used == {digest: len(content) for digest, content in blobs.items()}
    assert all(digest == "sha256:" + hashlib.sha256(content).hexdigest() for digest, content in blobs.items())


def test_the_config_lists_the_layers(layout: Layout) -> None:
    settings = config(layout)
    layers = layout.manifest["layers"]
    assert {layer["mediaType"] for layer in layers} == {"application/vnd.oci.image.layer.v1.tar+gzip"}
    digests = [hashlib.sha256(unpacked(layout.path, layer["digest"])).hexdigest() for layer in layers]
    assert settings["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]}
    assert len(settings["history"]) == len(layers)
    assert settings["os"] == "linux"


def test_the_image_is_labelled(layout: Layout) -> None:
    for labels in (config(layout)["config"]["Labels"], layout.manifest["annotations"]):
        assert {"title", "description", "version", "revision", "created", "source", "licenses"} <= {
            name.removeprefix(LABEL) for name, value in labels.items() if value
        }
        assert labels[LABEL + "title"] == layout.name
        assert labels[LABEL + "licenses"] == "MIT"


def test_the_image_runs_as_nonroot_who_owns_no_files(layout: Layout) -> None:
    assert config(layout)["config"]["User"] == "65532:65532"
    home = "home/nonroot"
    assert [entry.name for entry in entries(layout) if entry.uid and entry.name != home] == []
    assert [entry.name for entry in entries(layout) if entry.mode & 0o6000] == []
    assert [entry.name for entry in entries(layout) if entry.mode & 0o002 and not entry.issym()] == ["tmp"]


def test_the_image_has_no_shell_and_no_package_manager(layout: Layout) -> None:
    programs = [entry.name for entry in entries(layout) if re.search(r"(^|/)s?bin/", entry.name)]
    assert len(programs) == 1, "the interpreter"
    assert "python3" in programs[0]
    assert [name for name in programs if TOOLS.search(name)] == []


def test_the_image_has_time_zones(layout: Layout) -> None:
    assert any(entry.name.endswith("zoneinfo/Europe/Berlin") for entry in entries(layout))


def test_the_image_has_one_list_of_trusted_authorities(layout: Layout) -> None:
    bundles = {
        entry.name: entry.linkname for entry in entries(layout) if entry.name.endswith((".pem", ".crt"))
    }
    assert bundles.pop("etc/ssl/certs/ca-certificates.crt") == "", "the bundle of the lock, as a file"
    assert set(bundles.values()) <= {"/etc/ssl/certs/ca-certificates.crt"}


def test_the_image_does_not_depend_on_build_time_or_user(layout: Layout) -> None:
    assert {(entry.mtime, entry.uname, entry.gname) for entry in entries(layout)} == {(0, "", "")}


def test_sboms_are_written_for_a_release(tmp_path: Path) -> None:
    paths = [f"{'dev/stripe_mock' if name == 'stripe-mock' else name}/image" for name in LAYOUTS]
    main("sboms", [*paths, "--", str(tmp_path / "sboms")])
    assert {path.name for path in (tmp_path / "sboms").iterdir()} == {f"{name}.spdx.json" for name in LAYOUTS}
    assert json.loads((tmp_path / "sboms" / "order.spdx.json").read_text())["name"].startswith("souk/order")


def test_digests_are_printed_with_those_of_the_layers(capsys: pytest.CaptureFixture[str]) -> None:
    main("digests", ["account/image", "--"])
    image, *layers = capsys.readouterr().out.splitlines()
    assert image == f"souk/account@{LAYOUTS['account'].digest}"
    assert [line.split()[0] for line in layers] == ["base", "common", "wheels", "app"]
    digests = [layer["digest"] for layer in LAYOUTS["account"].manifest["layers"]]
    assert [line.split()[1] for line in layers] == digests


def test_the_sbom_lists_every_distribution_in_the_image(layout: Layout) -> None:
    described = layout.named[layout.sbom]
    manifest = layout.document(described["digest"])
    assert manifest["subject"]["digest"] == layout.digest
    sbom = json.loads(layout.sbom_content)
    assert (sbom["spdxVersion"], sbom["dataLicense"], sbom["SPDXID"]) == (
        "SPDX-2.3",
        "CC0-1.0",
        "SPDXRef-DOCUMENT",
    )
    identifiers = [package["SPDXID"] for package in sbom["packages"]]
    assert len(set(identifiers)) == len(identifiers)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", identifier) for identifier in identifiers)
    assert {relation["relatedSpdxElement"] for relation in sbom["relationships"]} == set(identifiers)
    listed = {
        package["name"] for package in sbom["packages"] if package["SPDXID"].startswith("SPDXRef-pypi-")
    }
    inside = {
        re.sub(r"[-_.]+", "-", match[1]).lower()
        for entry in entries(layout)
        if (match := re.search(r"/([^/]+)-[^/-]+\.dist-info/METADATA$", entry.name))
    }
    # The base layer has time zones and authorities of these, which may be complete elsewhere in the image too.
    assert listed == inside | {"certifi", "tzdata"}
    debian = {package["name"] for package in sbom["packages"] if package["SPDXID"].startswith("SPDXRef-deb-")}
    assert "libc6" in debian


def test_the_image_is_small(layout: Layout) -> None:
    assert sum(layer["size"] for layer in layout.manifest["layers"]) < 45 * MEGABYTE


def test_all_images_together_are_small_because_they_share_layers() -> None:
    stored = {
        blob["digest"]: blob["size"]
        for layout in LAYOUTS.values()
        for blob in (layout.manifest["config"], *layout.manifest["layers"])
    }
    assert sum(stored.values()) < 80 * MEGABYTE
    services = [layout for name, layout in LAYOUTS.items() if name != "stripe-mock"]
    shared = set.intersection(
        *({layer["digest"] for layer in layout.manifest["layers"]} for layout in services)
    )
    assert len(shared) == 2, "the base, and the distributions that all services need"
