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


def test_a_release_is_built_from_nothing() -> None:
    release = (GITHUB / "workflows" / "release.yml").read_text()
    assert "cache" not in re.sub(r"#.*", "", release).replace("cachix", "")


@each
def test_a_command_that_fails_in_a_pipe_fails_the_step(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["defaults"] == {"run": {"shell": "bash"}}


def test_make_targets_that_workflows_run_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for path in WORKFLOWS:
        assert set(re.findall(r"\bmake ([a-z-]+)", path.read_text())) <= targets


DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """What `bazel run //:push` prints (bazel/oci/images.py), between lines of others."""
    file = tmp_path / "images.txt"
    lines = [f"host.example/shop/souk/{name}:1.2.3@{DIGEST}" for name in (*SERVICES, "stripe-mock")]
    file.write_text("\n".join(["INFO: Build completed", *lines, ""]))
    return file


def test_a_release_names_its_images_by_digest(images: Path) -> None:
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
        f"host.example/shop/souk/{name}@{DIGEST}" for name in SERVICES
    }


def test_a_release_says_what_changed_since_the_last_and_its_images(images: Path, tmp_path: Path) -> None:
    def git(*words: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True)

    git("init")
    for subject, tag in (("Sell", "v1.0.0"), ("Sell more", ""), ("Pay back", "v1.1.0"), ("Unreleased", "")):
        git("commit", "--allow-empty", "-m", subject)
        if tag:
            git("tag", tag)

    def notes(tag: str) -> str:
        script = [str(GITHUB / "release_notes.sh"), tag, str(images)]
        return subprocess.run(script, cwd=tmp_path, check=True, capture_output=True, text=True).stdout

    first, second = notes("v1.0.0"), notes("v1.1.0")
    assert re.findall(r"^- (.*) \(\w+\)$", first, re.MULTILINE) == ["Sell"]
    assert "since v1.0.0" in second
    assert re.findall(r"^- (.*) \(\w+\)$", second, re.MULTILINE) == ["Pay back", "Sell more"]
    assert second.count(DIGEST) == len(SERVICES) + 1


def test_what_workflows_run_is_there() -> None:
    """Targets of the root package, and files of the checkout; make's are tested above."""
    commands = "".join(path.read_text() for path in WORKFLOWS)
    targets = set(re.findall(r'name = "(\w+)"', (ROOT / "BUILD.bazel").read_text()))
    assert set(re.findall(r"bazel run //:(\w+)", commands)) <= targets
    for script in re.findall(r"(?<=[ /])((?:\.github|dev)/\w+\.sh)", commands):
        assert os.access(ROOT / script, os.X_OK), script


def test_bazel_is_told_that_it_is_7_wherever_workflows_start_it() -> None:
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text())["jobs"].items():
            commands = [step["run"] for step in job["steps"] if "run" in step]
            told = any("--config=bazel7" in each and "> .bazelrc.local" in each for each in commands)
            for command in commands:
                if re.search(r"nix develop -c (make|bazel|dev/)", command):
                    # The clones of `make reproduce` have no .bazelrc.local.
                    itself = "make reproduce" in command
                    assert "--config=bazel7" in command if itself else told, f"{name}: {command}"
