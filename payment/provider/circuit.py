"""A circuit breaker: after several failures in a row it rejects calls for a while, then lets one probe through.

The caller defines what a failure is. Retrying is not done here.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kit.telemetry import get_logger
from payment.metrics import CIRCUIT_OPEN
from payment.provider.errors import ProviderUnavailable

log = get_logger(__name__)


class Circuit:
    """Closed; open for `open_seconds` after `failures` in a row; then half open, when the outcome of one call decides."""

    def __init__(
        self,
        *,
        failures: int,
        open_seconds: float,
        is_failure: Callable[[Exception], bool],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failure_threshold = failures
        self._open_seconds = open_seconds
        self._is_failure = is_failure
        self._monotonic = monotonic
        self._failures = 0
        self._opened: float | None = None
        self._probing = False

    def permits(self, limit: int) -> int:
        """How many of `limit` calls may start now."""
        if self._opened is None:
            return limit
        return 0 if self._probing or self._is_open(self._opened) else min(1, limit)

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Wraps a call; raises ProviderUnavailable when it may not start."""
        if not self.permits(1):
            raise ProviderUnavailable()
        probe = self._opened is not None
        self._probing = self._probing or probe
        try:
            yield
        except Exception as error:  # re-raised
            self._record_outcome(failed=self._is_failure(error), probe=probe)
            raise
        else:
            self._record_outcome(failed=False, probe=probe)
        finally:
            # A cancelled probe counts as neither success nor failure: the next call is the probe.
            self._probing = self._probing and not probe

    def _record_outcome(self, *, failed: bool, probe: bool) -> None:
        if not failed:
            if self._opened is not None:
                log.info("circuit.closed")
            self._failures, self._opened = 0, None
            CIRCUIT_OPEN.set(0)
            return
        self._failures += 1
        # A late failure of a call that started before the circuit opened does not extend the open period.
        if probe or (self._opened is None and self._failures >= self._failure_threshold):
            log.warning("circuit.opened", failures=self._failures, seconds=self._open_seconds)
            self._opened = self._monotonic()
            CIRCUIT_OPEN.set(1)

    def _is_open(self, opened: float) -> bool:
        return self._monotonic() < opened + self._open_seconds
