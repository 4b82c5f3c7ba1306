"""The checkout that the tests look at, all of it: whatever is committed is linted, also what no target names.

That is why these tests run outside of the sandbox and are never cached; each takes seconds.
"""

import os
import sys
from pathlib import Path

# A file that the tests have among their data is a link into the checkout.
ROOT = Path(os.path.realpath("pyproject.toml")).parent


def program(name: str) -> str:
    """A program that a wheel of the lock brings."""
    found = next((Path(entry, "bin", name) for entry in sys.path if Path(entry, "bin", name).is_file()), None)
    assert found is not None, f"{name} is in no wheel of {sys.path}"
    return str(found)
