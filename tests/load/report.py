"""The page of a load run: one HTML file with its charts, without scripts."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from tests.load.cpu import REFERENCE_MS, CpuTimes
from tests.load.processes import COMPONENTS
from tests.load.results import Results

_COLORS = (
    "#4269d0",
    "#efb118",
    "#ff725c",
    "#6cc5b0",
    "#3ca951",
    "#ff8ab7",
    "#a463f2",
    "#97bbf5",
    "#9c6b4e",
    "#9498a0",
)
_COLOR = dict(zip(COMPONENTS, _COLORS, strict=True))
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --quiet: #888 }
body { font: 15px/1.45 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
p { margin: .25rem 0; color: var(--quiet) }
.row { display: grid; grid-template-columns: 7rem 1fr 4.5rem; gap: .5rem; align-items: center; margin: .25rem 0 }
.row > :last-child { text-align: right; font-variant-numeric: tabular-nums }
.bar { display: flex; height: 1.1rem; background: var(--line); border-radius: 3px; overflow: hidden }
.keys { display: flex; flex-wrap: wrap; gap: .25rem .9rem; margin: .5rem 0 }
.keys span::before { content: ""; display: inline-block; width: .7rem; height: .7rem; margin-right: .3rem; background: var(--key) }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100% }
th, td { padding: .2rem .5rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; font-weight: normal }
th:first-child { text-align: left } thead th { color: var(--quiet) }
svg { width: 100%; min-width: 30rem; height: auto } svg text { font-size: 11px; fill: var(--quiet) }
"""


def page(results: Results) -> str:
    """The whole page."""
    sections = [
        _section("CPU ms until the answer", _keys() + _bars(_costs_of(results, heavy=False))),
        _section("CPU ms of what takes long", _bars(_costs_of(results, heavy=True))),
        _section("Latency and rate on this machine", _latencies(results.scenarios)),
        _section("CPU ms per operation by component", _costs(results.scenarios)),
        _section("At rest, CPU ms per second", _bars({"all": results.idle})),
        _journeys(results),
        _section("Peak memory (PSS), MiB", _memory(results.memory)),
    ]
    about = (
        f"{escape(results.time)}, commit {escape(results.commit)}, {results.cores} cores. CPU times are of a machine on which bcrypt of "
        f"cost 10 takes {REFERENCE_MS:.0f} ms; here it took {results.bcrypt_ms:.1f} ms. The load of the stack at rest is subtracted."
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>Load run {escape(results.time)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>Load run</h1><p>{about}</p>{''.join(sections)}</body></html>\n"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _costs_of(results: Results, *, heavy: bool) -> dict[str, CpuTimes]:
    """On a scale of their own: what has a background or hashes passwords."""
    return {
        name: scenario["cpu_ms"]
        for name, scenario in results.scenarios.items()
        if (name in ("login", "journey") or name.startswith("after ")) == heavy
    }


def _keys() -> str:
    spans = (f'<span style="--key:{color}">{name}</span>' for name, color in _COLOR.items())
    return f'<div class="keys">{"".join(spans)}</div>'


def _bars(rows: Mapping[str, CpuTimes]) -> str:
    """Bars of one scale, each divided by component."""
    longest = max((sum(times.values()) for times in rows.values()), default=0) or 1
    return "".join(_bar(name, times, longest) for name, times in rows.items())


def _bar(name: str, times: CpuTimes, longest: float) -> str:
    parts = "".join(
        f'<i style="width:{100 * times[component] / longest:.2f}%;background:{color}" title="{component} {times[component]:.2f}"></i>'
        for component, color in _COLOR.items()
        if times.get(component)
    )
    return f'<div class="row"><span>{escape(name)}</span><div class="bar">{parts}</div><b>{sum(times.values()):.2f}</b></div>'


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in header)
    body = "".join(
        f"<tr><th>{escape(row[0])}</th>{''.join(f'<td>{escape(text)}</td>' for text in row[1:])}</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _latencies(scenarios: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [
            name,
            f"{figures['operations']:,}",
            f"{figures['per_second']:,.0f}",
            *(f"{figures[key]:.0f}" if figures[key] else "" for key in ("p50_ms", "p95_ms")),
            str(figures["failed"]),
        ]
        for name, figures in scenarios.items()
    ]
    return _table(["", "operations", "per second", "p50 ms", "p95 ms", "errors"], rows)


def _costs(scenarios: Mapping[str, Mapping[str, Any]]) -> str:
    rows = [
        [name, *(f"{figures['cpu_ms'].get(component, 0):.2f}" for component in COMPONENTS)]
        for name, figures in scenarios.items()
    ]
    return _table(["", *COMPONENTS], rows)


def _journeys(results: Results) -> str:
    if results.highest_rate is None:
        return ""
    rows = [
        [f"{figures['rate']}/s", f"{figures['p95']:.0f} ms", f"{figures['first_lag']:.1f} to {figures['last_lag']:.1f} s",
         "; ".join(figures["reasons"]) or "sustained"]
        for figures in results.journeys
    ]  # fmt: skip
    return _section(
        f"Whole journeys: {results.highest_rate} a second",
        "<p>Seconds from an order to its confirmation mail, by the second in which it was placed; one line for each rate.</p>"
        + _lags(results.journeys)
        + _table(["rate", "p95 of createOrder", "lag", ""], rows),
    )


def _lags(journeys: Sequence[Mapping[str, Any]]) -> str:
    width, height, left, bottom = 600, 220, 34, 20
    points = [point for figures in journeys for point in figures["lags"]]
    longest = max((second for second, _ in points), default=0) or 1
    highest = max((lag for _, lag in points), default=0) or 1

    def x(second: float) -> float:
        return left + second / longest * (width - left - 40)

    def y(lag: float) -> float:
        return height - bottom - lag / highest * (height - bottom - 10)

    lines = ""
    for figures, color in zip(journeys, _COLORS * len(journeys), strict=False):
        if figures["lags"]:
            path = " ".join(f"{x(second):.1f},{y(lag):.1f}" for second, lag in figures["lags"])
            second, lag = figures["lags"][-1]
            lines += f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>'
            lines += f'<text x="{x(second) + 4:.1f}" y="{y(lag) + 4:.1f}">{figures["rate"]}/s</text>'
    axes = (
        f'<text x="0" y="16">{highest:.1f} s</text><text x="0" y="{height - bottom}">0 s</text>'
        f'<text x="{left}" y="{height - 4}">0</text><text x="{x(longest):.1f}" y="{height - 4}">{longest} s</text>'
        f'<path d="M{left} 8V{height - bottom}H{width - 40}" fill="none" stroke="#8888"/>'
    )
    return f'<div class="wide"><svg viewBox="0 0 {width} {height}" role="img" aria-label="Lag by time">{axes}{lines}</svg></div>'


def _memory(memory: Mapping[str, int]) -> str:
    mib = {name: size / 2**20 for name, size in memory.items()}
    longest = max(mib.values(), default=0) or 1
    parts = {component: mib[component] for component in COMPONENTS if component in mib}
    rows = "".join(_bar(name, {name: size}, longest) for name, size in parts.items())
    # All at one time: less than the sum of the peaks.
    total = f'<div class="row"><span>all</span><div class="bar"></div><b>{mib.get("all", 0):.0f}</b></div>'
    return rows + total
