"""Waiting longer after each failure, with jitter, so that those who failed together do not return together."""

from __future__ import annotations

import random


class Backoff:
    """`next()` answers the seconds to wait: 0.1 doubling up to 5, between a half and all of it."""

    def __init__(self, first: float = 0.1, most: float = 5.0) -> None:
        self._first = first
        self._most = most
        self._failures = 0

    def next(self) -> float:
        """The pause after one more failure."""
        self._failures += 1
        return pause(self._failures, self._first, self._most)

    def reset(self) -> None:
        """It worked."""
        self._failures = 0


def pause(failures: int, first: float = 0.1, most: float = 5.0) -> float:
    """Seconds to wait after so many failures in a row."""
    longest: float = min(most, first * 2 ** min(failures - 1, 20))
    return longest * random.uniform(0.5, 1.0)
