"""Reads a settings class from the environment."""

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from kit.settings.base import BaseSettings
from kit.settings.fields import PARSERS, Profile, SettingSpec

S = TypeVar("S", bound=BaseSettings)
# Receives the parsed values by field; returns further errors, such as missing files.
Check = Callable[[Mapping[str, Any]], Iterable[str]]


class SettingsError(Exception):
    """The environment is incomplete or invalid; `errors` has one line for each variable."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(["settings:", *(f"  {error}" for error in errors)]))
        self.errors = tuple(errors)


def load(kind: type[S], environ: Mapping[str, str] | None = None, *, checks: Iterable[Check] = ()) -> S:
    """The settings of a service; raises SettingsError with all errors at once. An empty variable counts as unset."""
    environment = os.environ if environ is None else environ
    types = get_type_hints(kind)
    errors: list[str] = []
    profile = _profile(environment, errors)
    values: dict[str, Any] = {}
    for field in fields(kind):
        try:
            if field.name == "profile":
                values[field.name] = profile
            else:
                value = _value(field, types[field.name], environment, profile)
                values[field.name] = _resolve_path(value, environment) if isinstance(value, Path) else value
        except ValueError as error:
            errors.append(f"{field.name.upper()} {error} ({_spec(field).help})")
    for check in checks:
        errors.extend(check(values))
    if errors:
        raise SettingsError(errors)
    return kind(**values)


def describe(kind: type[BaseSettings]) -> str:
    """A table of all variables: name, default, meaning."""
    specs = [(field.name.upper(), _spec(field)) for field in fields(kind)]
    rows = [(name, _default_text(spec), spec.help) for name, spec in specs]
    name_width, default_width = (max(len(row[column]) for row in rows) for column in (0, 1))
    return "\n".join(f"{row[0]:<{name_width}}  {row[1]:<{default_width}}  {row[2]}" for row in rows)


def _profile(environment: Mapping[str, str], errors: list[str]) -> Profile:
    text = environment.get("PROFILE") or Profile.PRODUCTION.value
    try:
        return Profile(text)
    except ValueError:
        errors.append(f"PROFILE is neither development nor production: {text!r}")
        return Profile.PRODUCTION


def _value(field: "Field[Any]", kind: Any, environment: Mapping[str, str], profile: Profile) -> Any:
    spec = _spec(field)
    text = environment.get(field.name.upper(), "")
    if text:
        return _within_bounds(_parse(text, kind, spec), spec)
    if profile is Profile.DEVELOPMENT and spec.development is not MISSING:
        return spec.development
    if spec.default is not MISSING:
        return spec.default
    raise ValueError("is not set")


def _resolve_path(path: Path, environment: Mapping[str, str]) -> Path:
    """Relative paths start at the working directory; under `bazel run`, which changes it, at the checkout."""
    return Path(environment.get("BUILD_WORKSPACE_DIRECTORY", ""), path)


def _parse(text: str, kind: Any, spec: SettingSpec) -> Any:
    try:
        if _is_enum(kind):
            return kind(text)
        return PARSERS[kind](text)
    except KeyError:
        raise TypeError(f"settings of type {kind} are not supported") from None
    except ValueError as error:
        reason = f"is none of {', '.join(kind)}" if _is_enum(kind) else str(error)
        raise ValueError(reason if spec.secret else f"{reason}: {text!r}") from None


def _within_bounds(value: Any, spec: SettingSpec) -> Any:
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if spec.minimum is not None and not number >= spec.minimum:
        raise ValueError(f"is below {spec.minimum:g}: {number:g}")
    if spec.maximum is not None and not number <= spec.maximum:
        raise ValueError(f"is above {spec.maximum:g}: {number:g}")
    return value


def _is_enum(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, StrEnum)


def _spec(field: "Field[Any]") -> SettingSpec:
    try:
        spec: SettingSpec = field.metadata["setting"]
    except KeyError:
        raise TypeError(f"{field.name} is not declared with setting(...)") from None
    return spec


def _default_text(spec: SettingSpec) -> str:
    if spec.default is not MISSING:
        return _default_as_text(spec.default)
    if spec.development is not MISSING:
        return "(development)" if spec.secret else f"{_default_as_text(spec.development)} (development)"
    return "required"


def _default_as_text(value: Any) -> str:
    if isinstance(value, timedelta):
        return f"{value.total_seconds():g}"
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value) if value != "" else '""'
