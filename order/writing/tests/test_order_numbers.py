"""Order numbers are taken in blocks."""

import asyncio
from collections.abc import Sequence

import pytest

from order.writing.order_numbers import OrderNumbers


class Sequences:
    """Counts from 1001, or fails once."""

    def __init__(self) -> None:
        self.last = 1000
        self.statements = 0
        self.fails = False

    async def take(self, count: int) -> Sequence[int]:
        # A statement lets the other orders run.
        await asyncio.sleep(0)
        self.statements += 1
        if self.fails:
            self.fails = False
            raise ConnectionError
        first, self.last = self.last + 1, self.last + count
        return range(first, self.last + 1)


async def test_concurrent_orders_share_a_statement_and_get_different_numbers() -> None:
    sequence = Sequences()
    numbers = OrderNumbers(sequence.take)

    taken = await asyncio.gather(*[numbers.next() for _ in range(120)])

    assert sorted(taken) == list(range(1001, 1121))
    assert sequence.statements == 3


async def test_after_a_failure_the_next_order_asks_again() -> None:
    sequence = Sequences()
    sequence.fails = True
    numbers = OrderNumbers(sequence.take)

    with pytest.raises(ConnectionError):
        await numbers.next()

    assert await numbers.next() == 1001
