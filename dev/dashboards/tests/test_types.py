"""The TypeScript compiler accepts the page's sources with every strict option."""

import shutil
import subprocess
from pathlib import Path

PAGE = Path(__file__).parents[1]
PACKAGES = next(
    parent / "npm/storefront/node_modules" for parent in PAGE.parents if (parent / "npm").is_dir()
)


def test_sources_are_typed(tmp_path: Path) -> None:
    shutil.copytree(PAGE / "src", tmp_path / "src")
    shutil.copy(PAGE / "tsconfig.json", tmp_path)
    (tmp_path / "node_modules").symlink_to(PACKAGES)
    compiler = next(PACKAGES.glob("@typescript/typescript-linux-*/lib/tsc"))
    done = subprocess.run([compiler, "--project", tmp_path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
