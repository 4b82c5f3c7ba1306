"""The pin of flake.nix, that it uses only packages that are in the stub, versions as on Debian. Evaluation: docs/operations/flake.md."""

import json
import re

from tests.lint.checkout import ROOT
from tests.manifests.manifests import bootstrap_needs

FLAKE = (ROOT / "flake.nix").read_text()
# Debian package -> nixpkgs, where the names without their versions differ; empty where another package contains it.
NAMES = {
    "bazel-bootstrap": "bazel_7",
    "containernetworking-plugins": "cni-plugins",
    "docker-registry": "distribution",
    "npm": "",
    "nodejs": "nodejs_20",
    "openjdk-17-jdk-headless": "jdk17_headless",
    "postgresql-15": "postgresql_15",
    "python3.11": "python311",
    "python3.11-venv": "",
    "redis-server": "redis",
    "uidmap": "",
}
# Debian 12 has Bazel 4.2 and Node.js 18, which nixpkgs no longer has.
OTHER_VERSIONS = {"bazel-bootstrap", "nodejs"}
STUB = (ROOT / "tests" / "manifests" / "nixpkgs_stub" / "flake.nix").read_text()


def test_nixpkgs_is_pinned_to_the_verified_revision() -> None:
    locked = json.loads((ROOT / "flake.lock").read_text())["nodes"]["nixpkgs"]["locked"]
    assert locked["rev"] == "8fd9daa3db09ced9700431c5b7ad0e8ba199b575"
    assert locked["narHash"] == "sha256-Ti+ZBvW6yrWWAg2szExVTwCd4qOJ3KlVr1tFHfyfi8Q="
    assert locked["lastModified"] == 1778430510


def test_all_packages_are_in_the_stub() -> None:
    tools = set(re.findall(r"^ +pkgs\.([\w-]+)$", FLAKE, re.MULTILINE))
    assert tools <= set(re.findall(r'"([\w-]+)"', STUB.split("names = [")[1].split("];")[0]))
    assert {"bazel_7", "python311", "postgresql_15", "skopeo", "podman", "k6", "kustomize"} <= tools


def test_every_tool_of_debian_is_in_the_flake_in_the_same_version() -> None:
    tools = set(re.findall(r"^ +pkgs\.([\w-]+)$", FLAKE, re.MULTILINE))
    for package in (need.split()[1] for need in bootstrap_needs()):
        name = NAMES.get(package, package)
        assert not name or name in tools, package
        if name and package not in OTHER_VERSIONS:
            versions = [re.sub(r"\D", "", text) for text in (package, name)]
            assert versions[0] == versions[1], f"{package} and {name}"
