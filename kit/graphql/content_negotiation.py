"""Which of our media types a request prefers, by the weights and the order of Accept (RFC 9110, 12.5.1)."""

from dataclasses import dataclass
from typing import Final

JSON: Final = "application/json"
GRAPHQL_JSON: Final = "application/graphql-response+json"
EVENTS: Final = "text/event-stream"
# The first is the default when the client accepts all of them equally.
_OURS: Final = (JSON, GRAPHQL_JSON, EVENTS)
# Real clients send fewer; each range is compared with each of our types.
_MAX_RANGES: Final = 50


@dataclass(frozen=True, slots=True)
class Accepted:
    """`best` is None when the client accepts none of our types. `events` requires text/event-stream by name: clients that know
    nothing of events send */*."""

    best: str | None
    events: bool


def negotiate(header: str | None) -> Accepted:
    """Without an Accept header, the client accepts everything."""
    if not header or header == "*/*":
        return _ANYTHING
    ranges = [_parse_range(part) for part in header.lower().split(",")[:_MAX_RANGES]]
    ranked = [(_weight(ours, ranges), -index, ours) for index, ours in enumerate(_OURS)]
    (weight, _), _, best = max(ranked)
    names_events = any(name in (EVENTS, "text/*") for name, _ in ranges)
    return Accepted(best if weight else None, names_events and bool(ranked[-1][0][0]))


def _parse_range(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip() for piece in part.split(";"))
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
    # float() accepts "nan" and "inf".
    return quality if 0 <= quality <= 1 else 1.0


def _weight(ours: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """The weight that the most specific range gives a type, then its position: earlier is greater."""
    for pattern in (ours, ours.partition("/")[0] + "/*", "*/*"):
        for index, (name, quality) in enumerate(ranges):
            if name == pattern:
                # The position of a wildcard says nothing about our types: their default order decides.
                return quality, -index if pattern == ours else -_MAX_RANGES
    return 0.0, -_MAX_RANGES


_ANYTHING: Final = Accepted(JSON, events=False)
