"""Exponential back-off with jitter, so that callers that failed together do not retry together."""

import random


class Backoff:
    """Counts failures in a row and returns the pause after each: 0.1 s doubling up to 5 s, of which 50-100 % at random."""

    def __init__(self, initial: float = 0.1, maximum: float = 5.0) -> None:
        self._initial = initial
        self._maximum = maximum
        self._failures = 0

    def next(self) -> float:
        """Records a failure and returns the seconds to wait."""
        self._failures += 1
        return backoff_seconds(self._failures, self._initial, self._maximum)

    def reset(self) -> None:
        """Records a success."""
        self._failures = 0


def backoff_seconds(
    failures: int,
    initial: float = 0.1,
    maximum: float = 5.0,
    *,
    multiplier: float = 2.0,
    min_share: float = 0.5,
) -> float:
    """Seconds to wait after a number of failures in a row: the full pause, times a random factor between `min_share` and 1."""
    # Bounded, because a power of a large number overflows.
    pause = min(maximum, initial * multiplier ** min(max(failures - 1, 0), 20))
    return pause * random.uniform(min_share, 1.0)
