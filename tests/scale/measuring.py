"""Measures requests and sweeps, judges them, and prints what came out."""

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
# So many times what is allowed is no accident of a busy machine, and not measured again.
_HOPELESS = 10
# A page of 100 with its lines and history, or a count that ends at 10,000.
MAX_ROWS = 15_000


class Kind(Enum):
    """What is measured, with the milliseconds that it may take."""

    REQUEST = 50
    SWEEP = 100


@dataclass(frozen=True, slots=True)
class Measure:
    """A call of a store. `group` is its line in the table, `case` the filter and page; `run` may be called again and again."""

    group: str
    case: str
    kind: Kind
    run: Callable[[], Awaitable[Any]]
    max_rows: int = MAX_ROWS
    # Whether it may return without a statement, because it knows enough.
    may_skip: bool = False


@dataclass(frozen=True, slots=True)
class Figure:
    """What a measure took: the median of several runs on warm caches, and everything that any of them did wrong."""

    measure: Measure
    milliseconds: float
    pages: int
    rows: int
    scans: Sequence[str]

    def faults(self, *, times: bool) -> list[str]:
        """Rules that it breaks; those about time only where they are asked for."""
        most = self.measure.kind.value
        found = [f"reads all of {table}" for table in dict.fromkeys(self.scans)]
        if self.rows > self.measure.max_rows:
            found.append(f"looks at {self.rows:,} rows, at most {self.measure.max_rows:,} are allowed")
        if times and self.milliseconds > most:
            found.append(f"takes {self.milliseconds:.0f} ms, at most {most} are allowed")
        return [f"{self.measure.group}, {self.measure.case}: {fault}" for fault in found]


async def measure(
    db: ExplainedDatabase, measures: Iterable[Measure], report: Callable[[str], None], *, runs: int = _RUNS
) -> list[Figure]:
    """Runs each of them; one that took too long is measured again, because the machine may be busy with something else."""
    figures: list[Figure] = []
    for each in measures:
        if not figures or figures[-1].measure.group != each.group:
            report(f"measuring {each.group}")
        best = await _figure(db, each, runs)
        for _ in range(_ROUNDS - 1):
            if runs > 1 and each.kind.value < best.milliseconds < each.kind.value * _HOPELESS:
                best = min(best, await _figure(db, each, runs), key=lambda figure: figure.milliseconds)
        figures.append(best)
    return figures


def table(figures: Sequence[Figure]) -> str:
    """A line a group, in Markdown, with its slowest case."""
    lines = [
        "| what | cases | median ms | slowest ms | pages | its case |",
        "|---|--:|--:|--:|--:|---|",
    ]
    for group, found in groupby(figures, lambda figure: figure.measure.group):
        cases = list(found)
        slowest = max(cases, key=lambda figure: figure.milliseconds)
        median = statistics.median(figure.milliseconds for figure in cases)
        lines.append(
            f"| {group} | {len(cases)} | {median:.1f} | {slowest.milliseconds:.1f} "
            f"| {slowest.pages:,} | {slowest.measure.case} |"
        )
    return "\n".join(lines)


async def _figure(db: ExplainedDatabase, each: Measure, runs: int) -> Figure:
    times, pages, rows, scans = [], 0, 0, list[str]()
    for number in range(runs + (_WARM_RUNS if runs > 1 else 0)):
        db.plans.take()
        db.reports_nested = number == 0
        try:
            await each.run()
        except DatabaseBusy:  # no statement runs longer, so none has a plan to report
            return Figure(each, math.inf, pages, rows, scans)
        await asyncio.sleep(0)  # asyncpg hands notices on in the next turn of the loop
        plans = db.plans.take()
        assert plans or each.may_skip, f"{each.group}, {each.case}: no plan was reported"
        # A request takes as long as all of its statements; a sweep's are batches, between which others get their turn.
        whole = max if each.kind is Kind.SWEEP else sum
        took = whole([0.0, *(plan.milliseconds for plan in plans)])
        pages = max(pages, whole([0, *(plan.pages for plan in plans)]))
        rows = max(rows, whole([0, *(plan.rows_read for plan in plans)]))
        scans += [name for plan in plans for name in plan.scans]
        if number or runs == 1:
            times.append(took)
        if number and took > each.kind.value * _HOPELESS:
            break
    return Figure(each, statistics.median(times), pages, rows, scans)
