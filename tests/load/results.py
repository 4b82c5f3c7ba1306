"""The figures of a load run, as JSON: CPU milliseconds of the reference machine, latencies in milliseconds, memory in bytes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.load.bench import Result
from tests.load.cpu import CpuTimes, scaled
from tests.load.journey import Journeys

# What is compared per component; less is noise.
_MIN_MS = 0.02
_CHANGE = 0.2


@dataclass(frozen=True)
class Results:
    """`idle`: milliseconds per second. `highest_rate`: sustained whole journeys per second, None if not measured."""

    time: str
    commit: str
    cores: int
    bcrypt_ms: float
    idle: CpuTimes
    scenarios: Mapping[str, Mapping[str, Any]]
    journeys: Sequence[Mapping[str, Any]]
    highest_rate: int | None
    memory: Mapping[str, int]

    def write(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> "Results":
        """What `write` wrote."""
        return cls(**json.loads(path.read_text()))


def scenario_of(result: Result, factor: float) -> dict[str, Any]:
    """A measured scenario on the reference machine; its rate and latencies are this machine's."""
    return {
        "operations": result.operations,
        "failed": result.failed,
        "per_second": result.operations / max(result.seconds, 0.001),
        "p50_ms": result.p50,
        "p95_ms": result.p95,
        "cpu_ms": scaled(result.cpu, factor),
    }


def journeys_of(journeys: Journeys, factor: float, p95_limit: float) -> dict[str, Any]:
    """One rate of the open loop."""
    return asdict(journeys) | {
        "cpu": scaled(journeys.cpu, factor),
        "reasons": journeys.reasons(p95_limit),
    }


def metrics(results: Results) -> dict[str, float]:
    """Every figure by name, in the order in which they are shown."""
    named: dict[str, float] = {}
    for name, scenario in results.scenarios.items():
        cpu: CpuTimes = scenario["cpu_ms"]
        named[f"{name}, CPU ms"] = sum(cpu.values())
        named |= {f"{name}, CPU ms, {component}": ms for component, ms in cpu.items() if ms >= _MIN_MS}
        if scenario["p50_ms"]:
            named |= {f"{name}, {share}": scenario[f"{share}_ms"] for share in ("p50", "p95")}
    named["at rest, CPU ms per second"] = sum(results.idle.values())
    if results.highest_rate is not None:
        named["journeys per second"] = results.highest_rate
    return named | {f"memory, MiB, {name}": size / 2**20 for name, size in results.memory.items()}


def compare(before: Results, after: Results) -> list[str]:
    """A table of all figures that both have; marks those that differ by more than 20 %."""
    old, new = metrics(before), metrics(after)
    names = [name for name in new if name in old]
    width = max(map(len, names), default=0)
    lines = [f"{'':<{width}}  {'before':>10}  {'after':>10}  ratio"]
    for name in names:
        ratio = new[name] / old[name] if old[name] else 1.0 if not new[name] else float("inf")
        mark = "  *" if abs(ratio - 1) > _CHANGE else ""
        lines.append(f"{name:<{width}}  {old[name]:>10.2f}  {new[name]:>10.2f}  {ratio:5.2f}{mark}")
    only = [
        f"{name} (only {where})"
        for where, a, b in (("before", old, new), ("after", new, old))
        for name in a
        if name not in b
    ]
    return lines + ([f"not compared: {', '.join(only)}"] if only else [])
