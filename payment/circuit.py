"""A circuit breaker: after so many failures in a row nobody is called for a while, then one call tries.

What counts as a failure is the caller's to say; whether and when a call is repeated is not decided here.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kit.telemetry import get_logger
from payment.errors import ProviderUnavailable
from payment.metrics import CIRCUIT_OPEN

log = get_logger(__name__)


class Circuit:
    """Closed, open for `open_seconds` after `failures` in a row, then half open: one call passes, and its outcome decides."""

    def __init__(
        self,
        *,
        failures: int,
        open_seconds: float,
        counts: Callable[[Exception], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = failures
        self._open_seconds = open_seconds
        self._counts = counts
        self._monotonic = monotonic
        self._failures = 0
        self._opened: float | None = None
        self._trying = False

    def takes(self, limit: int) -> int:
        """How many of `limit` calls may begin now."""
        if self._opened is None:
            return limit
        return 0 if self._trying or self._waits(self._opened) else min(1, limit)

    @contextmanager
    def passing(self) -> Iterator[None]:
        """Around a call; raises ProviderUnavailable when it may not begin."""
        if not self.takes(1):
            raise ProviderUnavailable()
        tries = self._opened is not None
        self._trying = self._trying or tries
        try:
            yield
        except Exception as error:  # only looked at: it is raised again
            self._ended(failed=self._counts(error), tried=tries)
            raise
        else:
            self._ended(failed=False, tried=tries)
        finally:
            # Also when it was broken off, which says nothing: then the next call tries.
            self._trying = self._trying and not tries

    def _ended(self, *, failed: bool, tried: bool) -> None:
        if not failed:
            if self._opened is not None:
                log.info("circuit.closed")
            self._failures, self._opened = 0, None
            CIRCUIT_OPEN.set(0)
            return
        self._failures += 1
        # A call that began before the others failed keeps nobody waiting any longer.
        if tried or (self._opened is None and self._failures >= self._most):
            log.warning("circuit.opened", failures=self._failures, seconds=self._open_seconds)
            self._opened = self._monotonic()
            CIRCUIT_OPEN.set(1)

    def _waits(self, opened: float) -> bool:
        return self._monotonic() < opened + self._open_seconds
