"""The bill of materials is complete: what is compiled into wheels, and bundled into scripts, with a license for each."""

import io
import json
import re
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from bazel.oci.images import Layout
from tests.images.built import layouts

LAYOUTS = layouts()
LICENSES = json.loads(Path("bazel/oci/licenses.json").read_text())
# A string that a wheel's extension modules have if the library is in one of them.
EVIDENCE = {
    "abseil-cpp": rb"absl\d*12?lts_\d{8}|absl::",
    "boringssl": rb"BoringSSL",
    "c-ares": rb"c-ares",
    "hiredis-c": rb"redisReader|Protocol error",
    "libffi": rb"ffi_",
    "libuv": rb"libuv-worker",
    "libyaml": rb"did not find expected",
    "llhttp": rb"llhttp|Invalid header value char",
    "openssl": rb"OpenSSL \d+\.\d+\.\d+ ",
    "re2": rb"re2",
    "upb": rb"upb|Repeated",
    "utf8_range": rb"utf8|UTF-8",
    "xxhash": rb"XXH|xxhash",
    "zlib": rb"inflate \d\.\d",
}


@pytest.fixture(params=LAYOUTS)
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]


def packages(layout: Layout) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = json.loads(layout.sbom_content)["packages"]
    return result


@cache
def extension_modules() -> dict[str, bytes]:
    """Those of all images, by path."""
    result = {}
    blobs = {layer["digest"]: image for image in LAYOUTS.values() for layer in image.manifest["layers"]}
    for digest, image in blobs.items():
        with tarfile.open(fileobj=io.BytesIO(image.blob(digest))) as tar:
            for entry in tar:
                if entry.isfile() and "site-packages" in entry.name and ".so" in entry.name:
                    file = tar.extractfile(entry)
                    assert file is not None
                    result[entry.name] = file.read()
    return result


def test_every_license_is_asserted(layout: Layout) -> None:
    unknown = {item["name"] for item in packages(layout) if item["licenseDeclared"] == "NOASSERTION"}
    assert unknown == set()


def test_libraries_in_wheels_are_listed_with_their_versions() -> None:
    items = {(item["SPDXID"].split("-")[1], item["name"]): item for item in packages(LAYOUTS["account"])}
    versions = re.findall(rb"OpenSSL (\d+\.\d+\.\d+) ", b"".join(extension_modules().values()))
    in_cryptography = [item for (kind, name), item in items.items() if (kind, name) == ("in", "openssl")]
    assert [item["versionInfo"].encode() for item in in_cryptography] == [*set(versions)]
    assert items["in", "boringssl"]["licenseDeclared"].startswith("Apache-2.0")
    assert items["pypi", "crc32c"]["licenseDeclared"] == "LGPL-2.1-or-later"
    assert items["pypi", "tzdata"]
    assert items["deb", "libssl3"]["licenseDeclared"] == "Apache-2.0"


def test_every_listed_library_is_in_the_wheel() -> None:
    folders = {"grpcio": "grpc", "pyyaml": "yaml", "cffi": "_cffi_backend", "protobuf": "google"}
    for wheel, libraries in LICENSES["bundled"].items():
        prefix = f"site-packages/{folders.get(wheel, wheel)}"
        content = b"".join(data for path, data in extension_modules().items() if prefix in path)
        missing = [name for name in libraries if not re.search(EVIDENCE[name], content)]
        assert not missing, f"{wheel}: {missing}"


def test_the_playground_s_packages_are_listed() -> None:
    listed = {
        item["name"]: item
        for item in packages(LAYOUTS["gateway"])
        if item["SPDXID"].startswith("SPDXRef-npm-")
    }
    text = Path("third_party/npm/playground.js").read_text()
    imported = re.findall(r"from '((?:@[\w-]+/)?[\w-]+)", text)
    assert {"react", "graphiql"} <= {*imported} <= {*listed}
    assert "codemirror" in listed or "monaco-editor" in listed, "what the imported packages depend on"
    assert not any(item["SPDXID"].startswith("SPDXRef-npm-") for item in packages(LAYOUTS["order"]))
