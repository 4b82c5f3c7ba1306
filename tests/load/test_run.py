"""A short load run on a stack of its own."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.stack import StackUnderTest, stack
from tests.load.results import Results
from tests.load.run import measure, parse

__all__ = ["stack"]

_OPTIONS = (
    "--users 2 --carts 2 --shoppers 3 --products 4 --seconds 1 --warm-seconds 1 --idle-seconds 1 --rate 2 --max-rate 2 --journey-seconds 3 "
    "--p95 10000 --scenarios search,order,checkout,journey"
)


async def test_a_short_run_measures_scenarios_and_journeys(stack: StackUnderTest, tmp_path: Path) -> None:
    output = tmp_path / "run.json"

    assert await measure(stack.gateway, stack.ports, parse([*_OPTIONS.split(), "--output", str(output)])) == 0

    results = Results.read(output)
    scenarios = ("search", "order", "after order", "checkout", "after checkout")
    assert [name for name in results.scenarios if name != "journey"] == list(scenarios)
    for name in scenarios:
        assert results.scenarios[name]["operations"] > 0
        assert results.scenarios[name]["failed"] == 0
    assert results.scenarios["order"]["cpu_ms"]["gateway"] > 0
    assert results.journeys[0]["unconfirmed"] == 0
    assert len(results.journeys[0]["lags"]) in (3, 4)
    assert results.memory["all"] > 500 * 2**20
    assert "<svg" in output.with_suffix(".html").read_text()
