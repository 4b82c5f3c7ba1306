"""A short fault run on its own stack; `make fault-test` is the long one."""

import secrets

from tests.faults.injector import Limits
from tests.faults.run import FaultPlan, run_faults
from tests.faults.stack import FaultStack, fault_stack

__all__ = ["fault_stack"]


async def test_a_fault_run_violates_no_invariant(fault_stack: FaultStack) -> None:
    plan = FaultPlan(
        orders=300,
        seed=secrets.randbelow(1_000_000),
        shoppers=10,
        pause=0.5,
        fault_pause=0.5,
        slow=False,
        limits=Limits(outage=3.0, frozen=8.0, latency=0.2, clock=60),
    )
    result = await run_faults(fault_stack, plan)
    print(result)
    assert result.totals.orders >= plan.orders
    assert sum(result.faults.values()) >= 3
    assert result.violations == []
