"""Measures requests and sweeps, checks them against the limits and prints the figures."""

import asyncio
import math
import statistics
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from typing import Any

from kit.db import DatabaseBusy
from tests.scale.plans import ExplainedDatabase

_WARM_RUNS = 1
_RUNS = 5
_ROUNDS = 3
# A call this many times slower than its limit is not measured again: a busy machine does not explain it.
_NO_RETRY_FACTOR = 10
# A page of 100 with its lines and history, or a count that ends at 10,000.
MAX_ROWS = 15_000


class Kind(Enum):
    """The kind of a call, with its limit in milliseconds."""

    REQUEST = 50
    SWEEP = 100


@dataclass(frozen=True, slots=True)
class Measure:
    """A call of a store. `group` is its row in the table, `case` its filter and page; `run` can be called repeatedly."""

    group: str
    case: str
    kind: Kind
    run: Callable[[], Awaitable[Any]]
    max_rows: int = MAX_ROWS
    # Whether it may return without running a statement.
    may_skip: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """The figures of a measure: the median time of several runs on warm caches, and the most rows, pages and scans of any run."""

    measure: Measure
    milliseconds: float
    pages: int
    rows: int
    scans: Sequence[str]

    def violations(self, *, times: bool) -> list[str]:
        """The limits that it exceeds; those of time only with `times`."""
        limit = self.measure.kind.value
        violations = [f"reads all of {table}" for table in dict.fromkeys(self.scans)]
        if self.rows > self.measure.max_rows:
            violations.append(f"reads {self.rows:,} rows, at most {self.measure.max_rows:,} are allowed")
        if times and self.milliseconds > limit:
            violations.append(f"takes {self.milliseconds:.0f} ms, at most {limit} are allowed")
        return [f"{self.measure.group}, {self.measure.case}: {violation}" for violation in violations]


async def measure(
    db: ExplainedDatabase, measures: Iterable[Measure], report: Callable[[str], None], *, runs: int = _RUNS
) -> list[Figure]:
    """Runs each measure; one that was too slow is measured again, because the machine may have been busy."""
    figures: list[Figure] = []
    for case in measures:
        if not figures or figures[-1].measure.group != case.group:
            report(f"measuring {case.group}")
        best = await _figure(db, case, runs)
        for _ in range(_ROUNDS - 1):
            if runs > 1 and case.kind.value < best.milliseconds < case.kind.value * _NO_RETRY_FACTOR:
                best = min(best, await _figure(db, case, runs), key=lambda figure: figure.milliseconds)
        figures.append(best)
    return figures


def table(figures: Sequence[Figure]) -> str:
    """A Markdown table with a row per group and its slowest case."""
    lines = [
        "| group | cases | median ms | slowest ms | pages | slowest case |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for group, members in groupby(figures, lambda figure: figure.measure.group):
        cases = list(members)
        slowest = max(cases, key=lambda figure: figure.milliseconds)
        median = statistics.median(figure.milliseconds for figure in cases)
        lines.append(
            f"| {group} | {len(cases)} | {median:.1f} | {slowest.milliseconds:.1f} "
            f"| {slowest.pages:,} | {slowest.measure.case} |"
        )
    return "\n".join(lines)


async def _figure(db: ExplainedDatabase, case: Measure, runs: int) -> Figure:
    times, pages, rows, scans = [], 0, 0, list[str]()
    for number in range(runs + (_WARM_RUNS if runs > 1 else 0)):
        db.plans.take()
        db.reports_nested = number == 0
        try:
            await case.run()
        except DatabaseBusy:  # the statement was cancelled and reports no plan
            return Figure(case, math.inf, pages, rows, scans)
        await asyncio.sleep(0)  # asyncpg delivers notices in the next iteration of the loop
        plans = db.plans.take()
        assert plans or case.may_skip, f"{case.group}, {case.case}: no plan was reported"
        # A request takes as long as all its statements together; those of a sweep are separate batches.
        whole = max if case.kind is Kind.SWEEP else sum
        took = whole([0.0, *(plan.milliseconds for plan in plans)])
        pages = max(pages, whole([0, *(plan.pages for plan in plans)]))
        rows = max(rows, whole([0, *(plan.rows_read for plan in plans)]))
        scans += [name for plan in plans for name in plan.scans]
        if number or runs == 1:
            times.append(took)
        if number and took > case.kind.value * _NO_RETRY_FACTOR:
            break
    return Figure(case, statistics.median(times), pages, rows, scans)
