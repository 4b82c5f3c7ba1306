"""ruff: rules and layout of all Python."""

import subprocess

from tests.lint.checkout import ROOT, program


def ruff(*args: str) -> None:
    done = subprocess.run(
        [program("ruff"), *args, "--no-cache", "."], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_rule_is_followed() -> None:
    ruff("check")


def test_the_code_is_formatted() -> None:
    ruff("format", "--check")
