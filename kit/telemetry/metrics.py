"""RED metrics: rate, errors, duration; with labels bound once, not at each observation."""

import time
from types import TracebackType

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

# Seconds. From a cache hit to a deadline.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class RedMetrics:
    """`souk_<part>_requests_total{<labels>, outcome}` and `souk_<part>_request_seconds{<labels>}`.

    Labels come from code (methods, routes), never from input, so that their number stays bounded.
    """

    def __init__(self, part: str, labels: tuple[str, ...], registry: CollectorRegistry = REGISTRY) -> None:
        name = part.replace("_", " ")
        self._total = Counter(
            f"souk_{part}_requests_total",
            f"Requests of {name} by outcome",
            (*labels, "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            f"souk_{part}_request_seconds",
            f"Duration of requests of {name}",
            labels,
            buckets=BUCKETS,
            registry=registry,
        )

    def watch(self, *values: str) -> "BoundRedMetrics":
        """The metrics of one method or route; keep it, it is made once."""
        return BoundRedMetrics(self._total, self._seconds, values)


class BoundRedMetrics:
    """The metrics of one method or route."""

    __slots__ = ("_outcomes", "_seconds", "_total", "_values")

    def __init__(self, total: Counter, seconds: Histogram, values: tuple[str, ...]) -> None:
        self._total, self._values = total, values
        self._seconds = seconds.labels(*values) if values else seconds
        self._outcomes: dict[str, Counter] = {}

    def observe(self, seconds: float, outcome: str = "OK") -> None:
        """Counts one request."""
        counter = self._outcomes.get(outcome)
        if counter is None:
            counter = self._outcomes[outcome] = self._total.labels(*self._values, outcome)
        counter.inc()
        self._seconds.observe(seconds)

    def time(self) -> "_Timed":
        """`with watched.time():` counts the block; an exception's class is its outcome."""
        return _Timed(self)


class _Timed:
    __slots__ = ("_started", "_watched")

    def __init__(self, watched: BoundRedMetrics) -> None:
        self._watched = watched
        self._started = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self._watched.observe(time.perf_counter() - self._started, kind.__name__ if kind else "OK")
