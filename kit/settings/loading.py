"""Reads a settings class from the environment."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from kit.settings.base import BaseSettings
from kit.settings.fields import PARSERS, Declared, Profile

S = TypeVar("S", bound=BaseSettings)
# Gets the values that could be read, by field; answers further faults, such as files that are missing.
Check = Callable[[Mapping[str, Any]], Iterable[str]]


class SettingsError(Exception):
    """The environment does not say what the service must know; `faults` names each variable and its fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(["settings:", *(f"  {fault}" for fault in faults)]))
        self.faults = tuple(faults)


def load(kind: type[S], environ: Mapping[str, str] | None = None, *, checks: Iterable[Check] = ()) -> S:
    """The settings of a service; SettingsError has all faults at once. A variable set to nothing is unset."""
    environment = os.environ if environ is None else environ
    types = get_type_hints(kind)
    faults: list[str] = []
    profile = _profile(environment, faults)
    values: dict[str, Any] = {}
    for each in fields(kind):
        try:
            if each.name == "profile":
                values[each.name] = profile
            else:
                value = _value(each, types[each.name], environment, profile)
                values[each.name] = _placed(value, environment) if isinstance(value, Path) else value
        except ValueError as error:
            faults.append(f"{each.name.upper()} {error} ({_declared(each).help})")
    for check in checks:
        faults.extend(check(values))
    if faults:
        raise SettingsError(faults)
    return kind(**values)


def describe(kind: type[BaseSettings]) -> str:
    """A table of every variable: its name, what it means, its default."""
    declared = [(each.name.upper(), _declared(each)) for each in fields(kind)]
    rows = [(name, _default_text(what), what.help) for name, what in declared]
    name_width, default_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{row[0]:<{name_width}}  {row[1]:<{default_width}}  {row[2]}" for row in rows)


def _profile(environment: Mapping[str, str], faults: list[str]) -> Profile:
    text = environment.get("PROFILE") or Profile.PRODUCTION.value
    try:
        return Profile(text)
    except ValueError:
        faults.append(f"PROFILE is neither development nor production: {text!r}")
        return Profile.PRODUCTION


def _value(each: "Field[Any]", kind: Any, environment: Mapping[str, str], profile: Profile) -> Any:
    declared = _declared(each)
    text = environment.get(each.name.upper(), "")
    if text:
        return _checked(_parse(text, kind, declared), declared)
    if profile is Profile.DEVELOPMENT and declared.development is not MISSING:
        return declared.development
    if declared.default is not MISSING:
        return declared.default
    raise ValueError("is not set")


def _placed(path: Path, environment: Mapping[str, str]) -> Path:
    """A relative path begins where the process does; under `bazel run`, which starts it among its runfiles, at the checkout."""
    return Path(environment.get("BUILD_WORKSPACE_DIRECTORY", ""), path)


def _parse(text: str, kind: Any, declared: Declared) -> Any:
    try:
        if _is_enum(kind):
            return kind(text)
        return PARSERS[kind](text)
    except KeyError:
        raise TypeError(f"no way to read a setting of type {kind}") from None
    except ValueError as error:
        reason = f"is none of {', '.join(kind)}" if _is_enum(kind) else str(error)
        raise ValueError(reason if declared.secret else f"{reason}: {text!r}") from None


def _checked(value: Any, declared: Declared) -> Any:
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if declared.minimum is not None and not number >= declared.minimum:
        raise ValueError(f"is below {declared.minimum:g}: {number:g}")
    if declared.maximum is not None and not number <= declared.maximum:
        raise ValueError(f"is above {declared.maximum:g}: {number:g}")
    return value


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def _declared(each: "Field[Any]") -> Declared:
    try:
        declared: Declared = each.metadata["setting"]
    except KeyError:
        raise TypeError(f"{each.name} is not declared with setting(...)") from None
    return declared


def _default_text(declared: Declared) -> str:
    if declared.default is not MISSING:
        return _shown(declared.default)
    if declared.development is not MISSING:
        return "(development)" if declared.secret else f"{_shown(declared.development)} (development)"
    return "required"


def _shown(value: Any) -> str:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value) if value != "" else '""'
