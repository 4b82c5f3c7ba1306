"""Order numbers, taken from the database's sequence in blocks, so that placing an order costs no statement for its number.

Numbers of a block that a stopped process did not use are left out, and two replicas use two blocks at a time (ADR 0044).
"""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from kit.work import SingleFlight

_BLOCK_SIZE = 50


class OrderNumbers:
    """The next numbers for new orders."""

    def __init__(self, take: Callable[[int], Awaitable[Sequence[int]]]) -> None:
        self._take = take
        self._numbers: deque[int] = deque()
        self._refills = SingleFlight[None, None]()

    async def next(self) -> int:
        """A number that no other order has; raises what the database raises."""
        while not self._numbers:
            await self._refills.run(None, self._refill)
        return self._numbers.popleft()

    async def _refill(self) -> None:
        self._numbers.extend(await self._take(_BLOCK_SIZE))
