"""Workflows pass actionlint and the schemas, pin their actions by hash, and have least privileges."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.workflows import Job, jobs
from tests.lint.checkout import ROOT
from tests.manifests.manifests import (
    PRODUCTION,
    SERVICES,
    bootstrap_needs,
    built,
    containers,
    go_program,
    pods,
)

GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))

every_workflow = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
JOBS = jobs(GITHUB / "workflows")
every_job = pytest.mark.parametrize("job", JOBS.values(), ids=list(JOBS))


def run(*args: str) -> None:
    result = subprocess.run(args, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_actionlint_finds_nothing() -> None:
    run(go_program("actionlint"), "-no-color", "-shellcheck=", "-pyflakes=", *map(str, WORKFLOWS))


@pytest.mark.parametrize(
    ("schema", "files"), [("github-workflows", WORKFLOWS), ("dependabot", [GITHUB / "dependabot.yml"])]
)
def test_schemas_accept_them(schema: str, files: list[Path]) -> None:
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *map(str, files))


@every_workflow
def test_actions_are_pinned_by_hash_with_their_version(path: Path) -> None:
    for line in re.findall(r"uses: (.*)", path.read_text()):
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", line), line


@every_workflow
def test_workflows_have_least_privileges(path: Path) -> None:
    workflow: dict[str, Any] = yaml.safe_load(path.read_text())
    assert workflow["permissions"] in ({}, {"contents": "read"})
    for name, job in workflow["jobs"].items():
        assert path.stem == "release" or "permissions" not in job, name
        assert "timeout-minutes" in job, name
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_a_release_is_built_without_a_cache() -> None:
    release = (GITHUB / "workflows" / "release.yml").read_text()
    assert "cache" not in re.sub(r"#.*", "", release).replace("cachix", "")


def test_a_release_signs_and_attests_the_images_that_it_pushed_by_digest() -> None:
    steps = [step.run or step.uses for step in JOBS["release/release"].steps]
    order = [
        next(number for number, step in enumerate(steps) if part in step)
        for part in (
            "make test",
            "bazel run //:push",
            "@sha256:[0-9a-f]{64}' images.txt | xargs cosign sign",
            "> checksums.txt",
            "actions/attest-build-provenance@",
            "gh release create",
        )
    ]
    assert order == sorted(order)


@every_workflow
def test_a_command_that_fails_in_a_pipe_fails_the_step(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["defaults"] == {"run": {"shell": "bash"}}


MAKEFILE = (ROOT / "Makefile").read_text()
COMMANDS = "\n".join(step.run for job in JOBS.values() for step in job.steps)


def test_make_targets_that_workflows_run_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    used = set(re.findall(r"(?:^|-c )make ([a-z-]+)", COMMANDS, re.MULTILINE))
    assert {"lint", "test", "reproduce", "audit"} <= used <= targets


def test_arguments_that_workflows_pass_to_make_exist() -> None:
    folders = dict(
        re.findall(
            r"^([a-z-]+):.*\n(?:\t.*\n)*?\t@bazel run .*//([\w/]+) -- \$\(ARGS\)", MAKEFILE, re.MULTILINE
        )
    )
    calls = re.findall(r'make ([a-z-]+) ARGS="([^"]*)"', COMMANDS)
    assert {target for target, _ in calls} >= {"load-test", "upgrade-test"}
    for target, arguments in calls:
        program = "".join(path.read_text() for path in (ROOT / folders[target]).glob("*.py"))
        for option in re.findall(r"--[a-z-]+", arguments):
            assert f'"{option}"' in program, f"make {target} has no {option}"


def test_bazel_targets_that_make_and_workflows_run_exist() -> None:
    labels = re.findall(r"(?<=\s)//([\w/]*)(?::(\w+))?(/?\.\.\.)?(?=\s)", f"{MAKEFILE}\n{COMMANDS}\n")
    assert ("", "push", "") in labels
    assert ("tests/load", "", "") in labels
    for package, name, below in labels:
        build = ROOT / package / "BUILD.bazel"
        if below:
            assert (ROOT / package).is_dir(), package
        else:
            assert f'name = "{name or build.parent.name}"' in build.read_text(), f"//{package}:{name}"


DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """The output of `bazel run //:push` (bazel/oci/images.py), among other lines."""
    file = tmp_path / "images.txt"
    lines = [f"host.example/shop/souk/{name}:1.2.3@{DIGEST}" for name in (*SERVICES, "stripe-mock")]
    file.write_text("\n".join(["INFO: Build completed", *lines, ""]))
    return file


def release_manifests(*args: str) -> str:
    """The manifests of a release."""
    result = subprocess.run(
        [str(GITHUB / "release_manifests.sh"), *args],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ) | {"KUSTOMIZE": go_program("kustomize")},
    )
    return result.stdout


def test_the_example_overlay_sets_every_value_that_production_has_only_as_an_example(images: Path) -> None:
    example = re.compile(r"[\w.-]*example\.com|192\.0\.2\.\d+|set-a-digest")
    assert example.search(release_manifests(str(images), "production"))
    assert example.findall(release_manifests(str(images), "example")) == []


def test_a_release_names_its_images_by_digest(images: Path) -> None:
    manifests = tuple(yaml.safe_load_all(release_manifests(str(images))))
    assert len(manifests) == len(built(PRODUCTION))
    assert {container["image"] for _, pod in pods(manifests) for container in containers(pod)} == {
        f"host.example/shop/souk/{name}@{DIGEST}" for name in SERVICES
    }


def test_release_notes_list_the_commits_since_the_last_release_and_the_images(
    images: Path, tmp_path: Path
) -> None:
    def git(*args: str) -> None:
        options = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *options, *args], cwd=tmp_path, check=True, capture_output=True)

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


def test_scripts_that_make_and_workflows_run_exist() -> None:
    scripts = set(re.findall(r"(?:\.github|dev)/\w+\.sh", MAKEFILE + COMMANDS))
    assert {".github/release_notes.sh", "dev/bootstrap.sh"} <= scripts
    for script in scripts:
        assert os.access(ROOT / script, os.X_OK), script


@every_job
def test_only_the_shell_of_nix_is_configured_for_bazel_7(job: Job) -> None:
    commands = "\n".join(step.run for step in job.steps)
    assert ("nix develop" in commands) == ("--config=bazel7" in commands)


# What the image of Debian has, and what `make` installs before anything else runs.
IN_DEBIAN = {"apt-get", "echo", "grep", "sed", "tee", "xargs"}
PACKAGES = {"gh": "gh", "git": "git", "make": "make"}


@every_job
def test_a_job_in_a_container_installs_what_it_runs(job: Job) -> None:
    if not job.container:
        return
    first, *others = (step.run for step in job.steps if step.run)
    assert first.startswith("apt-get update ")
    assert job.steps[0].run == first, "git must be there before actions/checkout"
    needs = "\n".join(bootstrap_needs())
    for command in "\n".join(others).splitlines():
        program = re.split(r"[ =]", command.removeprefix("if ").strip())[0]
        if program in PACKAGES:
            assert f" {PACKAGES[program]}" in first, command
        elif "/" in program:
            assert os.access(ROOT / program, os.X_OK), command
        elif program == "cosign":
            assert any("cosign-installer@" in step.uses for step in job.steps)
        else:
            assert program in IN_DEBIAN or re.search(rf"^{program} ", needs, re.MULTILINE), command


@every_job
def test_a_job_in_a_container_trusts_the_checkout_of_another_user(job: Job) -> None:
    safe = ['config --global --add safe.directory "$PWD"' in step.run for step in job.steps]
    assert any(safe) == bool(job.container)


def test_no_secret_reaches_a_pull_request() -> None:
    for path in WORKFLOWS:
        text = path.read_text()
        workflow = yaml.safe_load(text)
        assert not {"pull_request_target", "workflow_run"} & set(workflow[True]), path
        assert "pull_request" not in workflow[True] or "secrets." not in text, path
        for name, content in workflow["jobs"].items():
            assert "secrets." not in str(content) or content["environment"], name


def test_digests_are_written_behind_the_tags_of_other_projects_images(tmp_path: Path) -> None:
    skopeo = tmp_path / "skopeo"
    skopeo.write_text(f"#!/bin/sh\necho {DIGEST}\n")
    skopeo.chmod(0o755)
    file = tmp_path / "compose.yaml"
    file.write_text(
        f"image: postgres:15\nimage: redis:7@{DIGEST.replace('0', '1')}\nimage: souk/order:1\n"
        'container: {image: "debian:12", options: --privileged}\n'
    )
    for _ in range(2):
        subprocess.run(
            [str(ROOT / "dev" / "image_digests.sh"), str(file)],
            check=True,
            env=dict(os.environ) | {"SKOPEO": str(skopeo)},
        )
        assert file.read_text() == (
            f"image: postgres:15@{DIGEST}\nimage: redis:7@{DIGEST}\nimage: souk/order:1\n"
            f'container: {{image: "debian:12@{DIGEST}", options: --privileged}}\n'
        )
