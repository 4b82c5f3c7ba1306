"""Images as files: valid by the OCI specification, small, told what they are, and with nothing in them that a service does not need."""

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
# Programs that nobody should find in an image, by their names in any folder of programs.
TOOLS = re.compile(r"(^|/)s?bin/(sh|bash|dash|busybox|apt|apt-get|dpkg|apk|pip3?|perl|curl|wget)$")


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]


@cache
def unpacked(path: Any, digest: str) -> bytes:
    """A layer without its compression."""
    return gzip.decompress(Layout(path).blob(digest))


def entries(layout: Layout) -> Iterator[tarfile.TarInfo]:
    """Everything in an image."""
    for layer in layout.manifest["layers"]:
        with tarfile.open(fileobj=io.BytesIO(unpacked(layout.path, layer["digest"]))) as tar:
            yield from tar


def config(layout: Layout) -> dict[str, Any]:
    """What the image is run with, and what it is made of."""
    return layout.document(layout.manifest["config"]["digest"])


def test_it_is_a_layout(layout: Layout) -> None:
    assert json.loads((layout.path / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads((layout.path / "index.json").read_text())
    assert index["schemaVersion"] == 2
    assert {path.name for path in layout.path.iterdir()} == {"blobs", "index.json", "oci-layout"}


def test_blobs_are_what_their_names_say_and_all_are_used(layout: Layout) -> None:
    used = {}
    for described in layout.named.values():
        manifest = layout.document(described["digest"])
        for part in (described, manifest["config"], *manifest["layers"]):
            used[part["digest"]] = part["size"]
    found = {
        f"sha256:{path.name}": path.read_bytes() for path in (layout.path / "blobs" / "sha256").iterdir()
    }
    assert used == {digest: len(content) for digest, content in found.items()}
    assert all(digest == "sha256:" + hashlib.sha256(content).hexdigest() for digest, content in found.items())


def test_layers_are_what_the_config_says(layout: Layout) -> None:
    told = config(layout)
    layers = layout.manifest["layers"]
    assert {layer["mediaType"] for layer in layers} == {"application/vnd.oci.image.layer.v1.tar+gzip"}
    digests = [hashlib.sha256(unpacked(layout.path, layer["digest"])).hexdigest() for layer in layers]
    assert told["rootfs"] == {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest in digests]}
    assert len(told["history"]) == len(layers)
    assert told["os"] == "linux"


def test_it_says_what_it_is(layout: Layout) -> None:
    for labels in (config(layout)["config"]["Labels"], layout.manifest["annotations"]):
        assert {"title", "description", "version", "revision", "created", "source", "licenses"} <= {
            name.removeprefix(LABEL) for name, value in labels.items() if value
        }
        assert labels[LABEL + "title"] == layout.name
        assert labels[LABEL + "licenses"] == "MIT"


def test_nobody_runs_it_and_nothing_in_it_is_theirs(layout: Layout) -> None:
    assert config(layout)["config"]["User"] == "65532:65532"
    home = "home/nonroot"
    assert [entry.name for entry in entries(layout) if entry.uid and entry.name != home] == []
    assert [entry.name for entry in entries(layout) if entry.mode & 0o6000] == []
    assert [entry.name for entry in entries(layout) if entry.mode & 0o002 and not entry.issym()] == ["tmp"]


def test_it_has_no_shell_and_no_package_manager(layout: Layout) -> None:
    programs = [entry.name for entry in entries(layout) if re.search(r"(^|/)s?bin/", entry.name)]
    assert len(programs) == 1, "the interpreter"
    assert "python3" in programs[0]
    assert [name for name in programs if TOOLS.search(name)] == []


def test_it_has_time_zones(layout: Layout) -> None:
    assert any(entry.name.endswith("zoneinfo/Europe/Berlin") for entry in entries(layout))


def test_it_trusts_one_list_of_authorities(layout: Layout) -> None:
    bundles = {
        entry.name: entry.linkname for entry in entries(layout) if entry.name.endswith((".pem", ".crt"))
    }
    assert bundles.pop("etc/ssl/certs/ca-certificates.crt") == "", "a file, the lock's"
    assert set(bundles.values()) <= {"/etc/ssl/certs/ca-certificates.crt"}


def test_nothing_in_it_tells_when_or_by_whom_it_was_built(layout: Layout) -> None:
    assert {(entry.mtime, entry.uname, entry.gname) for entry in entries(layout)} == {(0, "", "")}


def test_bills_are_written_where_a_release_wants_them(tmp_path: Path) -> None:
    paths = [f"{'dev/stripe_mock' if name == 'stripe-mock' else name}/image" for name in LAYOUTS]
    main("bills", [*paths, "--", str(tmp_path / "bills")])
    assert {path.name for path in (tmp_path / "bills").iterdir()} == {f"{name}.spdx.json" for name in LAYOUTS}
    assert json.loads((tmp_path / "bills" / "order.spdx.json").read_text())["name"].startswith("souk/order")


def test_its_bill_lists_every_distribution_in_it(layout: Layout) -> None:
    described = layout.named[layout.bill]
    manifest = layout.document(described["digest"])
    assert manifest["subject"]["digest"] == layout.digest
    bill = json.loads(layout.bill_content)
    assert (bill["spdxVersion"], bill["dataLicense"], bill["SPDXID"]) == (
        "SPDX-2.3",
        "CC0-1.0",
        "SPDXRef-DOCUMENT",
    )
    identifiers = [package["SPDXID"] for package in bill["packages"]]
    assert len(set(identifiers)) == len(identifiers)
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", each) for each in identifiers)
    assert {relation["relatedSpdxElement"] for relation in bill["relationships"]} == set(identifiers)
    listed = {
        package["name"] for package in bill["packages"] if package["SPDXID"].startswith("SPDXRef-pypi-")
    }
    inside = {
        re.sub(r"[-_.]+", "-", found[1]).lower()
        for entry in entries(layout)
        if (found := re.search(r"/([^/]+)-[^/-]+\.dist-info/METADATA$", entry.name))
    }
    assert listed == inside
    debian = {package["name"] for package in bill["packages"] if package["SPDXID"].startswith("SPDXRef-deb-")}
    assert "libc6" in debian


def test_it_is_small(layout: Layout) -> None:
    assert sum(layer["size"] for layer in layout.manifest["layers"]) < 45 * MEGABYTE


def test_together_they_are_small_since_they_share_layers() -> None:
    stored = {
        blob["digest"]: blob["size"]
        for layout in LAYOUTS.values()
        for blob in (layout.manifest["config"], *layout.manifest["layers"])
    }
    assert sum(stored.values()) < 80 * MEGABYTE
    services = [layout for name, layout in LAYOUTS.items() if name != "stripe-mock"]
    shared = set.intersection(*({layer["digest"] for layer in each.manifest["layers"]} for each in services))
    assert len(shared) == 2, "the base, and the distributions that all need"
