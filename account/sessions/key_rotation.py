"""Replaces the keys that sign access tokens."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, TextIO

from kit.auth import LEEWAY, MAX_LIFETIME, SigningKeys
from kit.errors import InvalidArgument, Unavailable

# Longer than it takes all replicas to read the new file: Kubernetes refreshes a mounted secret about once a minute.
_KEY_ACTIVATION_DELAY: Final = timedelta(minutes=3)


def rotate_keys(path: Path, args: Sequence[str], output: TextIO) -> str:
    """Adds a key to the file, removes expired ones, and returns a message for the operator; raises InvalidArgument, Unavailable.

    With the argument `-` the file stays as it is, and the new one is written to `output`: a mounted Secret is read-only.
    """
    match [argument for argument in args if argument != "-"]:
        case []:
            after, keep = _KEY_ACTIVATION_DELAY, MAX_LIFETIME + LEEWAY
            message = f"new key active in {after.seconds} s; tokens signed with the old key are accepted until they expire"
        case ["now"]:
            # For a leaked key. Clients have to refresh their tokens.
            after, keep = timedelta(0), timedelta(seconds=-1)
            message = "new key active now; tokens signed with old keys are rejected"
        case _:
            raise InvalidArgument("usage: rotate_keys [now] [-]")
    rotated = SigningKeys.load(path).rotated(after=after, keep=keep)
    if "-" in args:
        print(rotated.text(), file=output)
        return message
    try:
        rotated.write(path)
    except OSError as error:
        raise Unavailable(
            f"{path.name} cannot be replaced ({error.strerror}): print it with `rotate_keys -`, and replace the Secret with that"
        ) from None
    return message
