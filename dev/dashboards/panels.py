"""Panels of a dashboard in short: each becomes the JSON that Grafana reads."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_COLUMNS: Final = 24
_SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}
RATE: Final = "[$__rate_interval]"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """`queries`: expression by legend. `thresholds`: colours of a number from these values on."""

    title: str
    unit: str
    queries: Mapping[str, str]
    description: str = ""
    stacked: bool = False
    type: str = "timeseries"
    width: int = 12
    height: int = 8
    max: float | None = None
    decimals: int | None = None
    thresholds: Mapping[str, float | None] = field(default_factory=dict)

    def json(self, number: int, x: int, y: int) -> dict[str, Any]:
        """The panel at a place of Grafana's grid."""
        custom: dict[str, Any] = {"fillOpacity": 10, "showPoints": "never"}
        if self.stacked:
            custom["stacking"] = {"mode": "normal"}
        steps = [{"color": color, "value": value} for color, value in self.thresholds.items()]
        defaults = {
            "unit": self.unit,
            "decimals": self.decimals,
            "min": 0,
            "max": self.max,
            "custom": custom if self.type == "timeseries" else None,
            "thresholds": {"mode": "absolute", "steps": steps} if steps else None,
        }
        return {
            "id": number,
            "type": self.type,
            "title": self.title,
            "description": self.description,
            "gridPos": {"h": self.height, "w": self.width, "x": x, "y": y},
            "datasource": _SOURCE,
            "fieldConfig": {
                "defaults": {key: value for key, value in defaults.items() if value is not None},
                "overrides": [],
            },
            "targets": list(self._targets()),
        }

    def _targets(self) -> Iterator[dict[str, Any]]:
        for number, (legend, expression) in enumerate(self.queries.items()):
            target = {"refId": chr(ord("A") + number), "expr": expression, "legendFormat": legend}
            yield target | ({"instant": True} if self.type == "stat" else {})


def number(title: str, unit: str, queries: Mapping[str, str], **fields: Any) -> Panel:
    """A large number: the value now."""
    return Panel(title=title, unit=unit, queries=queries, type="stat", height=4, **{"width": 6, **fields})


def dashboard(uid: str, title: str, panels: Sequence[Panel], *tags: str) -> dict[str, Any]:
    """A whole dashboard, its panels from left to right and from top to bottom."""
    placed = []
    x = y = height = 0
    for index, panel in enumerate(panels, 1):
        if x + panel.width > _COLUMNS:
            x, y, height = 0, y + height, 0
        placed.append(panel.json(index, x, y))
        x, height = x + panel.width, max(height, panel.height)
    return {
        "uid": uid,
        "title": f"Souk: {title}",
        "tags": ["souk", *tags],
        "timezone": "browser",
        "schemaVersion": 39,
        "version": 1,
        "refresh": "10s",
        "editable": False,
        "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": placed,
    }


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Events a second of a counter, by these labels."""
    return grouped("rate", metric, by, where, RATE)


def grouped(function: str, metric: str, by: str, where: str, window: str) -> str:
    """The sum of a function over a window of a counter, by these labels."""
    labels = f" by ({by}) " if by else ""
    return f"sum{labels}({function}({metric}{_braces(where)}{window}))"


def quantile(share: float, histogram: str, by: str = "", where: str = "") -> str:
    """A quantile of a histogram, by these labels."""
    labels = ", ".join(["le", by] if by else ["le"])
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket{_braces(where)}{RATE})))"


def quantiles(histogram: str, where: str = "") -> dict[str, str]:
    """Median, p95 and p99 of a histogram."""
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    return {name: quantile(share, histogram, where=where) for name, share in shares.items()}


def troubles(metric: str, by: str, where: str = "", legend: str = "") -> dict[str, str]:
    """The rate of what should not happen, by these labels, and its sum, which is zero rather than missing while it does not."""
    named = legend or " ".join(f"{{{{{label.strip()}}}}}" for label in by.split(","))
    return {"all": f"{rate(metric, where=where)} or vector(0)", named: rate(metric, by, where)}


def _braces(where: str) -> str:
    return f"{{{where}}}" if where else ""
