"""Calls that are repeated until they succeed or are rejected, with the same idempotency key, and what became of them.

`tests.faults.allowed` lists the errors that a call may return; any other is recorded as a violation.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol

import httpx

from tests.e2e.responses import Response
from tests.e2e.shop import Person
from tests.faults.allowed import error_names, is_retryable, unexpected_errors

_MAX_SECONDS: Final = 120.0
# A service with a wrong clock takes a guest's token for an expired one.
_CLOCK_ERRORS: Final = {"UNAUTHENTICATED", "GUEST_ONLY"}


class User(Protocol):
    """Who makes a call."""

    async def person(self) -> Person:
        """The user with a token that should be valid."""

    def distrust(self, person: Person) -> None:
        """This person's token was rejected."""


@dataclass
class Totals:
    """Calls by operation, errors by name, and violations."""

    attempted: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    retried: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    @property
    def orders(self) -> int:
        """The number of orders that were attempted, each with its own key or cart."""
        return self.attempted["order"]


@dataclass
class Calls:
    """Makes calls. `tokens_may_fail`: whether some clock is wrong now, so that a valid token can look expired or not yet valid."""

    tokens_may_fail: Callable[[], bool]
    totals: Totals = field(default_factory=Totals)

    async def retry(
        self, operation: str, user: User, call: Callable[[Person], Awaitable[Response]]
    ) -> Response | None:
        """Repeats the call until it succeeds or is rejected; None if it did neither in time."""
        end = time.monotonic() + _MAX_SECONDS
        last, failures = "", Counter[str]()
        while time.monotonic() < end:
            person = await user.person()
            try:
                response = await call(person)
            except (
                httpx.TransportError,
                ValueError,
            ) as error:  # the gateway is down, or died while responding
                failures[last := type(error).__name__] += 1
                self.totals.retried[last] += 1
                await asyncio.sleep(0.3)
                continue
            is_clock_error = self._is_clock_error(response)
            if not is_retryable(response) and not is_clock_error:
                self.totals.rejected.update(error_names(response))
                self.totals.violations += unexpected_errors(operation, response)
                return response
            failures.update(error_names(response))
            self.totals.retried.update(error_names(response))
            last = str(response.errors)
            if "UNAUTHENTICATED" in response.codes:
                user.distrust(person)
            if is_clock_error:
                # A guest has no other token, so it waits until the clock is right.
                end = time.monotonic() + _MAX_SECONDS
            await asyncio.sleep(0.3)
        self.totals.violations.append(
            f"{operation} got no response within {_MAX_SECONDS:.0f} s; errors: {dict(failures)}; last error: {last}"
        )
        return None

    def _is_clock_error(self, response: Response) -> bool:
        reasons = {error["extensions"].get("reason") for error in response.errors} | set(response.codes)
        return bool(reasons & _CLOCK_ERRORS) and self.tokens_may_fail()
