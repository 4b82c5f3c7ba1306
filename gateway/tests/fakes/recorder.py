"""What the fake services record, and fail with."""

import asyncio
from typing import Any

from kit.rpc import Call
from kit.values import remaining, timestamp_to_proto, utc_now

NOW = timestamp_to_proto(utc_now())


class Recorder:
    """Counts the calls of each RPC, and raises what a test wants raised."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, Call]] = []
        self.raises: dict[str, Exception] = {}
        # Seconds that reading one account or product takes, and those that their callers had left.
        self.waits = 0.0
        self.left: list[float | None] = []

    async def takes_its_time(self) -> None:
        self.left.append(remaining())
        await asyncio.sleep(self.waits)

    def record(self, name: str, request: Any, call: Call) -> None:
        self.calls.append((name, request, call))
        if name in self.raises:
            raise self.raises[name]

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]

    def last(self, name: str) -> tuple[Any, Call]:
        return next((request, call) for method, request, call in reversed(self.calls) if method == name)
