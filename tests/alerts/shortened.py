"""The alert rules of deploy/prometheus with every window, pause and offset divided by one factor; thresholds stay as they are."""

import re
from collections.abc import Mapping
from typing import Any, Final

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION: Final = r"(\d+)([smhd])"
_WINDOW: Final = re.compile(rf"\[{_DURATION}\]")
_OFFSET: Final = re.compile(rf"\boffset {_DURATION}\b")


def shorten(rules: Mapping[str, Any], factor: int) -> dict[str, Any]:
    """The groups of a rule file, evaluated every second."""
    return {"groups": [_group(group, factor) for group in rules["groups"]]}


def _group(group: Mapping[str, Any], factor: int) -> dict[str, Any]:
    return {**group, "interval": "1s", "rules": [_rule(rule, factor) for rule in group["rules"]]}


def _rule(rule: Mapping[str, Any], factor: int) -> dict[str, Any]:
    expression = _WINDOW.sub(lambda match: f"[{_divide(match, factor)}]", rule["expr"])
    expression = _OFFSET.sub(lambda match: f"offset {_divide(match, factor)}", expression)
    shorter = {**rule, "expr": expression}
    if match := re.fullmatch(_DURATION, rule.get("for", "")):
        shorter["for"] = _divide(match, factor)
    return shorter


def _divide(match: re.Match[str], factor: int) -> str:
    return f"{int(match[1]) * _SECONDS[match[2]] * 1000 // factor}ms"
