"""What the requests of a run did: how many, how long, and which failed."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Request:
    """A finished request; `failure` is empty after the expected response."""

    operation: str
    phase: str
    seconds: float
    failure: str = ""
    time: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __str__(self) -> str:
        return (
            f"{self.time:%H:%M:%S} {self.phase}: {self.operation} after {self.seconds:.2f} s: {self.failure}"
        )


@dataclass
class Figures:
    """All requests, by the phase in which they were started."""

    requests: list[Request] = field(default_factory=list)
    # Of each phase, the duration.
    phases: dict[str, float] = field(default_factory=dict)

    @property
    def failures(self) -> list[Request]:
        """The requests without the expected response."""
        return [request for request in self.requests if request.failure]

    def __str__(self) -> str:
        """A table of the phases, then one of the operations."""
        by_phase, by_operation = defaultdict(list), defaultdict(list)
        for request in self.requests:
            by_phase[request.phase].append(request)
            by_operation[request.operation].append(request)
        phases = [
            f"| {phase} | {seconds:,.1f} | {_columns(by_phase[phase])} |"
            for phase, seconds in self.phases.items()
        ]
        operations = [f"| {name} | {_columns(requests)} |" for name, requests in by_operation.items()]
        titles = "requests | failed | p50 ms | p99 ms | longest ms"
        return "\n".join(
            [
                f"| phase | seconds | {titles} |",
                "|---|--:|--:|--:|--:|--:|--:|",
                *phases,
                "",
                f"| operation | {titles} |",
                "|---|--:|--:|--:|--:|--:|",
                *operations,
                f"| all | {_columns(self.requests)} |",
            ]
        )


def _columns(requests: Iterable[Request]) -> str:
    ordered = sorted(requests, key=lambda request: request.seconds)
    if not ordered:
        return "0 | 0 | | | "
    p50, p99, longest = (
        ordered[int(share * (len(ordered) - 1))].seconds * 1000 for share in (0.5, 0.99, 1.0)
    )
    failed = sum(bool(request.failure) for request in ordered)
    return f"{len(ordered):,} | {failed:,} | {p50:,.0f} | {p99:,.0f} | {longest:,.0f}"
