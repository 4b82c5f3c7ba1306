"""Rotated keys, in the file or printed where the file is a mounted Secret."""

import json
from io import StringIO
from pathlib import Path

import pytest

from account.sessions.key_rotation import rotate_keys
from kit.auth import SigningKeys
from kit.errors import InvalidArgument


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "signing-keys.json"
    SigningKeys.generate(path)
    return path


def test_printed_keys_are_the_old_one_and_a_new_one_and_the_file_stays(path: Path) -> None:
    before, output = path.read_text(), StringIO()
    message = rotate_keys(path, ["-"], output)
    assert "new key active in 180 s" in message
    assert path.read_text() == before
    new, old = json.loads(output.getvalue())["keys"]
    assert [old] == json.loads(before)["keys"]
    assert new["kid"] != old["kid"]


def test_of_a_leaked_key_nothing_is_printed(path: Path) -> None:
    output = StringIO()
    rotate_keys(path, ["now", "-"], output)
    [new] = json.loads(output.getvalue())["keys"]
    assert new["kid"] not in path.read_text()


def test_without_the_argument_the_file_is_replaced(path: Path) -> None:
    output = StringIO()
    rotate_keys(path, [], output)
    assert len(json.loads(path.read_text())["keys"]) == 2
    assert output.getvalue() == ""


def test_other_arguments_are_rejected(path: Path) -> None:
    with pytest.raises(InvalidArgument):
        rotate_keys(path, ["later"], StringIO())
