"""A version of Souk in a checkout of its own, and how its programs are started."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dev.ports import SERVICES

_FILLER = "tests/scale/scale"
_PROGRAMS = ("//tests/scale", *(f"//{name}:server" for name in SERVICES))


@dataclass(frozen=True, slots=True)
class Version:
    """A checkout: one that Bazel has built, or, without Bazel, one whose stubs are in .souk/gen."""

    folder: Path

    def service(self, name: str, *arguments: str) -> list[str]:
        """The command line of a service, or of one of its commands."""
        return self._program(f"{name}/server", name, arguments)

    def filler(self, *arguments: str) -> list[str]:
        """The command line of its `make scale-test`."""
        return self._program(_FILLER, "tests.scale.run", arguments)

    def environment(self) -> dict[str, str]:
        """What makes Python import this checkout's modules instead of ours; Bazel's programs do so by themselves."""
        ours = Path.cwd()
        entries = [Path(entry) for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep)]
        moved = [
            self.folder / entry.relative_to(ours) if entry.is_relative_to(ours) else entry
            for entry in entries
        ]
        return {"PYTHONPATH": os.pathsep.join(map(str, moved))}

    def _program(self, target: str, module: str, arguments: Sequence[str]) -> list[str]:
        built = self.folder / "bazel-bin" / target
        return [*([str(built)] if built.exists() else [sys.executable, "-S", "-P", "-m", module]), *arguments]


@contextmanager
def checkout(commit: str, fixes: Sequence[str] = (), targets: Sequence[str] = _PROGRAMS) -> Iterator[Version]:
    """The version of a commit, built by Bazel in a worktree that is deleted afterwards; `fixes`: later commits that it has too."""
    repository = Path(os.environ.get("BUILD_WORKSPACE_DIRECTORY", "."))
    with tempfile.TemporaryDirectory(prefix="souk-version-") as parent:
        folder = Path(parent, "souk")
        # Its build is deleted with it, and its server ends by `shutdown`.
        bazel = ["bazel", f"--output_base={parent}/bazel"]
        _run(repository, "git", "worktree", "add", "--detach", str(folder), commit)
        try:
            for fix in fixes:
                _run(folder, "git", "cherry-pick", "--no-commit", fix)
            settings = repository / ".bazelrc.local"
            if settings.exists():
                shutil.copy(settings, folder)
            _run(folder, *bazel, "build", "--show_result=0", *targets)
            yield Version(folder)
        finally:
            _run(folder, *bazel, "shutdown")
            # Bazel makes the folders of its outputs read-only.
            _run(folder, "chmod", "-R", "u+w", f"{parent}/bazel")
            _run(repository, "git", "worktree", "remove", "--force", str(folder))


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True)
