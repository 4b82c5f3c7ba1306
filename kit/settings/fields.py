"""How a setting is declared, and how its text becomes a value."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any


class Profile(StrEnum):
    """Where the process runs; only development has defaults for secrets and addresses."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class IdentityMode(StrEnum):
    """How far services prove who they are by certificates; from one to the next without downtime (docs/operations/identity.md)."""

    OFF = "off"
    ACCEPT = "accept"
    CALL = "call"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class Declared:
    """What a settings class says about one of its fields."""

    help: str
    default: Any
    development: Any
    secret: bool
    minimum: float | None
    maximum: float | None


def setting(
    help: str,
    *,
    default: Any = MISSING,
    development: Any = MISSING,
    secret: bool = False,
    minimum: float | None = None,
    maximum: float | None = None,
) -> Any:
    """Declares a field: what it is, its unit, an example.

    `default` holds in every profile, `development` only in that one; with neither the variable must be set.
    `secret` keeps the value out of `repr` and of faults. `minimum` and `maximum` bound numbers, durations in
    seconds.
    """
    return field(
        repr=not secret,
        metadata={"setting": Declared(help, default, development, secret, minimum, maximum)},
    )


def parse_bool(text: str) -> bool:
    """true, yes, on, 1 and their opposites."""
    if text.lower() in ("true", "yes", "on", "1"):
        return True
    if text.lower() in ("false", "no", "off", "0"):
        return False
    raise ValueError("is not true or false")


def parse_int(text: str) -> int:
    """A whole number."""
    try:
        return int(text)
    except ValueError:
        raise ValueError("is not a whole number") from None


def parse_float(text: str) -> float:
    """A number."""
    try:
        return float(text)
    except ValueError:
        raise ValueError("is not a number") from None


def parse_seconds(text: str) -> timedelta:
    """A duration, in seconds."""
    return timedelta(seconds=parse_float(text))


def parse_words(text: str) -> tuple[str, ...]:
    """Parts between commas; empty text has none."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


PARSERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: parse_int,
    float: parse_float,
    bool: parse_bool,
    Path: Path,
    timedelta: parse_seconds,
    tuple[str, ...]: parse_words,
}
