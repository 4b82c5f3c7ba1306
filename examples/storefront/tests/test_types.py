"""The TypeScript compiler accepts the storefront's sources with every strict option."""

import shutil
import subprocess
from pathlib import Path

STOREFRONT = Path(__file__).parents[1]


def packages() -> Path:
    """The npm packages, in Bazel's runfiles."""
    return next(
        parent / "npm/storefront/node_modules" for parent in STOREFRONT.parents if (parent / "npm").is_dir()
    )


def test_sources_are_typed(tmp_path: Path) -> None:
    shutil.copytree(STOREFRONT / "src", tmp_path / "src")
    shutil.copy(STOREFRONT / "tsconfig.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(packages())
    compiler = next(packages().glob("@typescript/typescript-linux-*/lib/tsc"))
    done = subprocess.run([compiler, "--project", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
