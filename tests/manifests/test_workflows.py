""".github: workflows that actionlint and the schemas accept, whose actions are pinned by hash and whose rights are the least."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.lint.checkout import ROOT
from tests.manifests.manifests import PRODUCTION, SERVICES, built, containers, go_program, pods

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))

each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def run(*words: str) -> None:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_actionlint_finds_nothing() -> None:
    run(go_program("actionlint"), "-no-color", "-shellcheck=", "-pyflakes=", *map(str, WORKFLOWS))


@pytest.mark.parametrize(
    ("schema", "files"), [("github-workflows", WORKFLOWS), ("dependabot", [GITHUB / "dependabot.yml"])]
)
def test_schemas_accept_them(schema: str, files: list[Path]) -> None:
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files))


@each
def test_actions_are_pinned_by_hash_with_their_version(path: Path) -> None:
    for line in re.findall(r"uses: (.*)", path.read_text()):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", line), line


@each
def test_rights_are_least(path: Path) -> None:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text())
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for name, job in workflow["jobs"].items():
        assert path.stem == "release" or "permissions" not in job, name
        assert "timeout-minutes" in job, name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_make_targets_that_workflows_run_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in WORKFLOWS:
        assert set(re.findall(r"\bmake ([a-z-]+)", path.read_text())) <= targets


def test_a_release_names_its_images_by_digest(tmp_path: Path) -> None:
    digest = "sha256:" + "0123456789abcdef" * 4
    images = tmp_path / "images.txt"
    images.write_text("".join(f"host.example/shop/souk/{name}:1.2.3@{digest}\n" for name in SERVICES))
    done = subprocess.run(
        [str(GITHUB / "release_manifests.sh"), str(images)],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ) | {"KUSTOMIZE": go_program("kustomize")},
    )
    made = tuple(yaml.safe_load_all(done.stdout))
    assert len(made) == len(built(PRODUCTION))
    assert {container["image"] for _, pod in pods(made) for container in containers(pod)} == {
        f"host.example/shop/souk/{name}@{digest}" for name in SERVICES
    }
