"""What is written, compared and shown of a load run."""

from dataclasses import replace
from pathlib import Path

from tests.load.bench import result
from tests.load.cpu import Calibration, per_operation
from tests.load.generator import Figures
from tests.load.memory import peaks
from tests.load.report import page
from tests.load.results import Results, compare, scenario_of
from tests.load.side_by_side import Ratio, lines, medians

BEFORE = Results(
    time="2026-11-30T12:00:00+00:00",
    commit="abc1234",
    cores=2,
    bcrypt_ms=54.0,
    idle={"kafka": 100.0, "order": 20.0},
    scenarios={
        "search": scenario_of(result([Figures(100, 0, 0, 2, 20, 40, 90)], {"gateway": 80, "redis": 1}), 1),
        "order": scenario_of(result([Figures(10, 0, 0, 2, 30, 50, 90)], {"gateway": 20}), 1),
    },
    journeys=[
        {
            "rate": 20,
            "p95": 41.0,
            "first_lag": 0.5,
            "last_lag": 0.6,
            "lags": [(0, 0.5), (1, 0.6)],
            "reasons": [],
        }
    ],
    highest_rate=20,
    memory={"kafka": 3 * 2**20, "all": 5 * 2**20},
)


def test_rounds_are_added_up_and_their_latencies_are_medians() -> None:
    rounds = [
        Figures(10, 0, 0, 1, 5, 9, 20),
        Figures(20, 1, 0, 1, 6, 30, 40),
        Figures(10, 0, 0, 2, 9, 10, 12),
    ]
    together = result(rounds, {"order": 80.0, "kafka": -3.0})
    assert (together.operations, together.failed, together.seconds) == (40, 1, 4)
    assert (together.p50, together.p95) == (6, 10)
    assert together.cpu == {"order": 2.0, "kafka": 0.0}


def test_a_run_without_operations_has_no_cost_per_operation() -> None:
    assert per_operation({"order": 5.0}, 0) == {"order": 5.0}


def test_times_are_calibrated_by_the_median_hash() -> None:
    calibration = Calibration([80.0, 108.0, 200.0])
    assert calibration.factor == 0.5


def test_a_sample_is_the_time_of_one_hash() -> None:
    calibration = Calibration()
    calibration.sample(1)
    assert 5 < calibration.bcrypt_ms < 2000


def test_the_peak_of_the_stack_is_at_one_time() -> None:
    assert peaks([{"order": 5, "kafka": 1}, {"order": 2, "kafka": 2}, {"order": 4}]) == {
        "kafka": 2,
        "order": 5,
        "all": 6,
    }
    assert peaks([]) == {"all": 0}


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "runs" / "1.json"
    BEFORE.write(path)
    assert compare(Results.read(path), BEFORE) == compare(BEFORE, BEFORE)


def test_a_comparison_marks_what_differs_by_more_than_a_fifth() -> None:
    search = {**BEFORE.scenarios["search"], "cpu_ms": {"gateway": 0.79, "redis": 0.01}, "p95_ms": 50.0}
    after = replace(BEFORE, scenarios={"search": search, "me": search}, highest_rate=25, idle={"kafka": 90.0})
    table = {line.split("  ")[0]: line.split()[-4:] for line in compare(BEFORE, after)}

    assert table["search, CPU ms"][1:] == ["0.81", "0.80", "0.99"]
    assert table["search, CPU ms, gateway"][1:] == ["0.80", "0.79", "0.99"]
    assert table["search, p95"] == ["40.00", "50.00", "1.25", "*"]
    assert table["at rest, CPU ms per second"] == ["120.00", "90.00", "0.75", "*"]
    assert table["journeys per second"] == ["20.00", "25.00", "1.25", "*"]
    assert "search, CPU ms, redis" not in table
    assert "order, CPU ms (only before)" in compare(BEFORE, after)[-1]
    assert "me, p95 (only after)" in compare(BEFORE, after)[-1]


def test_what_cost_nothing_before_is_marked_and_what_still_does_is_not() -> None:
    nothing, something = (replace(BEFORE, idle={"kafka": ms}) for ms in (0.0, 5.0))
    assert any(line.endswith("inf  *") for line in compare(nothing, something))
    assert not any(line.endswith("*") for line in compare(nothing, nothing))


def test_the_page_shows_every_scenario_and_escapes_text() -> None:
    text = page(replace(BEFORE, commit="<b>"))
    for shown in ("search", "0.81", "order", "2.00", "&lt;b&gt;", "20/s", "sustained", "120.00", "<polyline"):
        assert shown in text
    assert "<script" not in text


def test_the_page_of_a_run_without_journeys_has_no_chart_of_them() -> None:
    assert "<svg" not in page(replace(BEFORE, journeys=[], highest_rate=None))


def test_a_ratio_is_of_pairs() -> None:
    ratio = Ratio.of([1, 2, 4], [2, 2, 6])
    assert (ratio.low, ratio.median, ratio.high) == (1.25, 1.5, 1.75)
    assert str(Ratio.of([2], [1])) == "0.500 (quartiles 0.500-0.500)"


def test_two_checkouts_are_compared_by_scenario_and_with_an_order() -> None:
    measured = {
        ("before", "order"): [{"order": 1.0, "gateway": 1.0}],
        ("after", "order"): [{"order": 1.0, "gateway": 2.0}],
        ("after", "checkout"): [{"order": 4.0, "gateway": 2.0}],
    }
    text = "\n".join(lines(measured, 0.5))
    assert "order     after   1.500 ms" in text.replace("  1.500", " 1.500")
    assert "order     after / before: 1.500" in text
    assert "checkout  after   / order: 2.000" in text
    assert "checkout  after / before" not in text
    assert medians([{"order": 1}, {"order": 3}, {"order": 9}]) == {"order": 3}
