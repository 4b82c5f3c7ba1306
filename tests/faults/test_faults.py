"""A short storm over a stack of its own: what make fault-test does at length."""

import secrets

from tests.faults.ground import FaultGround, fault_ground
from tests.faults.run import Storm, weather
from tests.faults.troubles import Limits

__all__ = ["fault_ground"]


async def test_a_storm_violates_nothing(fault_ground: FaultGround) -> None:
    storm = Storm(
        orders=300,
        seed=secrets.randbelow(1_000_000),
        shoppers=10,
        pause=0.5,
        trouble_pause=0.5,
        slow=False,
        limits=Limits(outage=3.0, frozen=8.0, latency=0.2, clock=60),
    )
    outcome = await weather(fault_ground, storm)
    print(outcome)
    assert outcome.tally.orders >= storm.orders
    assert sum(outcome.troubles.values()) >= 3
    assert outcome.violations == []
