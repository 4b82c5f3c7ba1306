"""Recipes of docs/recipes as steps, and a copy of the checkout to which they are applied.

A step is a sentence with the block after it:

    In `FILE`[, in `SCOPE`], after|before|replace `TEXT`:
    In `FILE`, at the end:
    Create `FILE`...:

TEXT is looked for after SCOPE, a text of the file that comes before it.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.house.house import committed
from tests.lint.checkout import ROOT

_STEP = re.compile(
    r"^(?:In `(?P<file>[^`]+)`(?:, in `(?P<scope>[^`]+)`)?, (?:(?P<how>after|before|replace) `(?P<text>[^`]+)`|at the end)"
    r"|Create `(?P<new>[^`]+)`[^\n]*):\n\n```\w+\n(?P<block>.*?)```$",
    re.MULTILINE | re.DOTALL,
)
_CHECK = re.compile(r"^- (\w+)(?:: `([^`]+)`)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """An edit of one file."""

    path: str
    how: str
    scope: str
    text: str
    block: str

    def apply(self, root: Path) -> None:
        """Raises AssertionError when the file does not have the text."""
        path = root / self.path
        if self.how == "create":
            path.write_text(self.block)
            return
        content = path.read_text()
        if self.how == "append":
            path.write_text(content + self.block)
            return
        start = content.find(self.scope)
        at = content.find(self.text, start)
        assert start >= 0, f"{self.path}: no {self.scope!r}"
        assert at >= 0, f"{self.path}: no {self.text!r}"
        path.write_text(content[:at] + self._edited() + content[at + len(self.text) :])

    def _edited(self) -> str:
        match self.how:
            case "after":
                return f"{self.text}\n{self.block.removesuffix(chr(10))}"
            case "before":
                return f"{self.block}{self.text}"
        return self.block.removesuffix("\n")


def steps(recipe: str) -> list[Step]:
    """The edits of a recipe, in order."""
    return [
        Step(
            path=match["file"] or match["new"],
            how="create" if match["new"] else match["how"] or "append",
            scope=match["scope"] or "",
            text=match["text"] or "",
            block=match["block"],
        )
        for match in _STEP.finditer(recipe)
    ]


def checks(recipe: str) -> list[tuple[str, list[str]]]:
    """(kind, arguments) of each line below the heading Checks."""
    return [
        (kind, arguments.split()) for kind, arguments in _CHECK.findall(recipe.partition("## Checks\n")[2])
    ]


class Copy:
    """A copy of the checkout, with the Python of its contracts."""

    def __init__(self, folder: Path) -> None:
        self._root = folder / "checkout"
        self._contracts = folder / "contracts"
        for path in committed():
            target = self._root / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        subprocess.run(["git", "init", "--quiet", "."], cwd=self._root, check=True)

    def apply(self, recipe: str) -> None:
        for step in steps(recipe):
            step.apply(self._root)
        self._generate_contracts()

    def write(self, path: str, text: str) -> None:
        (self._root / path).write_text(text)

    def python(self, *args: str) -> str:
        """Runs Python in the copy and returns its output; fails with it."""
        done = subprocess.run(
            [sys.executable, "-S", *args],
            cwd=self._root,
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def _environment(self) -> dict[str, str]:
        libraries = [entry for entry in sys.path if "site-packages" in entry]
        return {
            **os.environ,
            "MYPYPATH": str(self._contracts),
            "PROFILE": "development",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join([str(self._root), str(self._contracts), *libraries]),
        }

    def _generate_contracts(self) -> None:
        # deadlines and retries lie beside the Python of a contract
        shutil.copytree(
            self._root / "proto", self._contracts, ignore=shutil.ignore_patterns("*.proto", "*.bazel")
        )
        site = Path(str(find_spec("google.type").submodule_search_locations[0])).parents[1]  # type: ignore[union-attr, index]
        protos = [
            str(path.relative_to(self._root / "proto"))
            for path in sorted((self._root / "proto").rglob("*.proto"))
        ]
        options = [
            f"-I{self._root / 'proto'}",
            f"-I{site}",
            f"--python_out={self._contracts}",
            f"--pyi_out={self._contracts}",
        ]
        self.python("-m", "grpc_tools.protoc", *options, *protos)
