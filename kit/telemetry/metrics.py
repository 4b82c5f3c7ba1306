"""RED metrics: rate, errors, duration; labels are bound once, not at each observation."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Histogram

# Seconds, from a cache hit to a deadline.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def start_at_zero(counter: Counter, *values: str) -> None:
    """Exports these values of a counter's only label before anything is counted, so that a rate includes the first event."""
    for value in values:
        counter.labels(value)


class RedMetrics:
    """`souk_<component>_requests_total{<labels>, outcome}` and `souk_<component>_request_seconds{<labels>}`.

    Label values come from code (methods, routes), never from input, so that their number stays bounded.
    """

    def __init__(
        self,
        component: str,
        labels: tuple[str, ...],
        registry: CollectorRegistry = REGISTRY,
        *,
        expected: tuple[str, ...] = (),
    ) -> None:
        """`expected`: outcomes that are exported before the first request, so that a rate includes it."""
        self._expected = expected
        name = component.replace("_", " ")
        self._total = Counter(
            f"souk_{component}_requests_total",
            f"Requests of {name} by outcome",
            (*labels, "outcome"),
            registry=registry,
        )
        self._seconds = Histogram(
            f"souk_{component}_request_seconds",
            f"Duration of requests of {name}",
            labels,
            buckets=BUCKETS,
            registry=registry,
        )

    def bind(self, *values: str) -> "BoundRedMetrics":
        """The metrics of one method or route; create it once and reuse it."""
        return BoundRedMetrics(self._total, self._seconds, values, self._expected)


class BoundRedMetrics:
    """The metrics of one method or route."""

    __slots__ = ("_histogram", "_outcomes", "_seconds", "_total", "_values")

    def __init__(
        self, total: Counter, seconds: Histogram, values: tuple[str, ...], expected: tuple[str, ...]
    ) -> None:
        self._total, self._values = total, values
        self._histogram = seconds
        # Of most methods a process never has a request, and each histogram is sixteen lines at every scrape.
        self._seconds: Histogram | None = None
        self._outcomes = {outcome: total.labels(*values, outcome) for outcome in expected}

    def observe(self, seconds: float, outcome: str = "OK") -> None:
        """Records one request."""
        counter = self._outcomes.get(outcome)
        if counter is None:
            counter = self._outcomes[outcome] = self._total.labels(*self._values, outcome)
        counter.inc()
        if self._seconds is None:
            self._seconds = self._histogram.labels(*self._values) if self._values else self._histogram
        self._seconds.observe(seconds)
