"""The checkout that the lints read: all committed files, including those that no Bazel target names.

That is why these tests run outside the sandbox and are never cached; each takes seconds.
"""

import os
import sys
from pathlib import Path

# A data file of a test is a symbolic link into the checkout.
ROOT = Path(os.path.realpath("pyproject.toml")).parent


def program(name: str) -> str:
    """The path of a program that a wheel of the lock installs."""
    path = next((Path(entry, "bin", name) for entry in sys.path if Path(entry, "bin", name).is_file()), None)
    assert path is not None, f"{name} is in no wheel of {sys.path}"
    return str(path)
