"""A clock that tests advance."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A `Clock` for tests; starts at 2026-01-01T00:00:00Z."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **units: float) -> None:
        """Moves forward by timedelta's units."""
        self.now += timedelta(**units)
