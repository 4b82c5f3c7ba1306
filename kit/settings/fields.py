"""Declares settings and parses their text."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any


class Profile(StrEnum):
    """The environment; only development has defaults for secrets and addresses."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class IdentityMode(StrEnum):
    """How far mutual TLS is introduced; each step to the next needs no downtime (docs/operations/identity.md)."""

    OFF = "off"
    ACCEPT = "accept"
    CALL = "call"
    REQUIRE = "require"


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """The declaration of one setting."""

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
    """Declares a field; `help` says what it is, its unit, an example.

    `default` applies in every profile, `development` only in that one; with neither, the variable is required. `secret` keeps the value
    out of `repr` and error messages. `minimum` and `maximum` bound numbers and durations (in seconds).
    """
    return field(
        repr=not secret,
        metadata={"setting": SettingSpec(help, default, development, secret, minimum, maximum)},
    )


def parse_bool(text: str) -> bool:
    """true, yes, on, 1; or false, no, off, 0."""
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


def parse_list(text: str) -> tuple[str, ...]:
    """A comma-separated list; empty text is an empty list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


PARSERS: Mapping[Any, Callable[[str], Any]] = {
    str: str,
    int: parse_int,
    float: parse_float,
    bool: parse_bool,
    Path: Path,
    timedelta: parse_seconds,
    tuple[str, ...]: parse_list,
}
