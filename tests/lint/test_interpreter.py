"""Scripts and rules run the locked interpreter (dev/python.sh), not that of the machine."""

import re

import pytest

from tests.house.house import committed
from tests.lint.checkout import ROOT

NAMES = re.compile(r"(\.sh|\.bzl|\.tpl|BUILD\.bazel|WORKSPACE|Makefile|/workflows/[^/]+\.yml)$")
# As a command: alone, in quotes, or as a default. Not as the end of another path.
COMMAND = re.compile(
    r"""(?:^|[\s@"'`(;&|=-])((?:/usr/bin/)?python3(?:\.\d+)?)(?=["'\s;)}]|$)""", re.MULTILINE
)

# Each with its reason.
NEEDED = {
    "bazel/oci/defs.bzl": "the path in images",
    "dev/bootstrap.sh": "installs it, for dev/lock.sh",
    "dev/other_root.sh": "deletes it",
    "dev/lock.sh": "locks the interpreter, which may have left the archive",
}


def commands(text: str) -> list[str]:
    """Commands that are the machine's interpreter; comments may mention it."""
    return COMMAND.findall(re.sub(r"(^|\s)#.*", "", text))


@pytest.mark.parametrize(
    "text",
    [
        "python3 dev/event_catalogue.py .",
        "@python3 -m zipfile",
        '"${BAZEL_PYTHON:-python3.11}" -m venv pip',
        '"${BAZEL_PYTHON:-/usr/bin/python3.11}" -m venv tools',
        '"PATH=$$site/bin:$$PATH python3.11 -m ariadne_codegen",',
        "x=$(python3 -c 1)",
        "- run: python3 x.py",
    ],
)
def test_the_interpreter_of_the_machine_is_found(text: str) -> None:
    assert len(commands(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "# python3 is not used",
        "system/usr/bin/python3.11 -B",
        "site=$(echo lib/python3*/site)",
        "apt-get install python3-pip",
    ],
)
def test_other_mentions_are_not_found(text: str) -> None:
    assert not commands(text)


def test_only_what_makes_the_interpreter_uses_that_of_the_machine() -> None:
    files = [path for path in committed() if NAMES.search(str(path))]
    assert len(files) > 50
    users = {str(path.relative_to(ROOT)) for path in files if commands(path.read_text())}
    assert users == {*NEEDED}
