"""A short storm over a stack of its own: what make fault-test does for an hour."""

import secrets

from tests.e2e.ground import Ground, ground
from tests.faults.run import Storm, weather

__all__ = ["ground"]


async def test_a_storm_violates_nothing(ground: Ground) -> None:
    storm = Storm(
        orders=150,
        seed=secrets.randbelow(1_000_000),
        shoppers=8,
        pause=0.5,
        trouble_pause=1.0,
        longest_outage=3.0,
        slow=False,
    )
    outcome = await weather(ground, storm)
    print(outcome)
    assert outcome.tally.orders >= storm.orders
    assert sum(outcome.troubles.values()) >= 3
    assert outcome.violations == []
