"""Which of our media types a request accepts best, by the weights and the order of Accept (RFC 9110, 12.5.1)."""

from dataclasses import dataclass
from typing import Final

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
EVENTS: Final = "text/event-stream"
# The first is what a client gets that takes them all alike.
_OURS: Final = (JSON, GRAPHQL_JSON, EVENTS)
# No client has a reason for more, and every one is compared with each of ours.
_MOST_RANGES: Final = 50


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a client takes: `best` of ours, None when it takes nothing, and whether it names events among it: */* is sent by all
    that do not know what an event is."""

    best: str | None
    events: bool


def accepted(header: str | None) -> Accepted:
    """Of an Accept header; without one everything is taken."""
    if not header or header == "*/*":
        return _ANYTHING
    ranges = [_range(part) for part in header.lower().split(",")[:_MOST_RANGES]]
    weighed = [(_weight(ours, ranges), -number, ours) for number, ours in enumerate(_OURS)]
    (weight, _), _, best = max(weighed)
    names_events = any(name in (EVENTS, "text/*") for name, _ in ranges)
    return Accepted(best if weight else None, names_events and bool(weighed[-1][0][0]))


def _range(part: str) -> tuple[str, float]:
    name, *parameters = (each.strip() for each in part.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            return name, _quality(value.strip())
    return name, 1.0


def _quality(text: str) -> float:
    try:
        quality = float(text)
    except ValueError:
        return 1.0
    # "nan" is a number to Python.
    return quality if 0 <= quality <= 1 else 1.0


def _weight(ours: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """The weight that the most specific range gives a type, and how early that stands."""
    for pattern in (ours, ours.partition("/")[0] + "/*", "*/*"):
        for place, (name, quality) in enumerate(ranges):
            if name == pattern:
                # A wildcard does not prefer what we list last.
                return quality, -place if pattern == ours else -_MOST_RANGES
    return 0.0, -_MOST_RANGES


_ANYTHING: Final = Accepted(JSON, events=False)
