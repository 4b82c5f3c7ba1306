"""The pin of flake.nix, and that it uses only packages that are in the stub. Evaluation: docs/operations/flake.md."""

import json
import re

from tests.lint.checkout import ROOT

FLAKE = (ROOT / "flake.nix").read_text()
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
