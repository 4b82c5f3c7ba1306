"""A short sweep on its own stack; make sweep-test runs 10,000 orders, with a limit on latency."""

import asyncio

from dev.ports import Ports
from dev.stack import Stack
from tests.e2e.stack import state_folder
from tests.sweep.run import sweep

_ORDERS = 1_000


def test_cancelling_overdue_orders_fails_no_shoppers_order() -> None:
    with state_folder() as state:
        stack = Stack(state, Ports.free(), products=20, mail="count")
        stack.start()
        try:
            figures = asyncio.run(sweep(stack, orders=_ORDERS, seconds=500))
        finally:
            stack.stop()
    print(figures)
    assert figures.violations == []
    assert len(figures.seconds) >= 30
