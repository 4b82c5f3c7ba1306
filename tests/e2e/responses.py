"""Responses of /graphql, waiting for them, and the amounts in them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

import httpx

T = TypeVar("T")
SECONDS = 20.0
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Response:
    """A response of /graphql, with or without errors."""

    status: int
    data: Mapping[str, Any] | None
    errors: tuple[Mapping[str, Any], ...]

    @property
    def codes(self) -> list[str]:
        """The error codes, in order."""
        return [error["extensions"]["code"] for error in self.errors]

    @property
    def fields(self) -> list[str]:
        """The invalid fields that errors name, e.g. products.0.quantity."""
        return [
            ".".join(map(str, violation["path"]))
            for error in self.errors
            for violation in error["extensions"].get("fields", ())
        ]

    def get(self, name: str) -> Any:
        """A root field's value; raises AssertionError if there are errors."""
        assert not self.errors, self.errors
        assert self.data is not None
        return self.data[name]


async def within(seconds: float, probe: Callable[[], Awaitable[T | None]], goal: str) -> T:
    """Repeats `probe` until its result is truthy; raises AssertionError after `seconds`. Failures of the probe are retried."""
    end = time.monotonic() + seconds
    while True:
        try:
            result, last = await probe(), "nothing"
        except (AssertionError, httpx.TransportError) as error:
            result, last = None, repr(error)
        if result:
            return result
        assert time.monotonic() < end, f"{goal}: not within {seconds} s; last: {last}"
        await asyncio.sleep(_POLL_SECONDS)


def money(text: str) -> Decimal:
    """An amount as the API writes it."""
    return Decimal(text)
