"""A short drill: PostgreSQL is lost while shoppers order, and restored to a time before. `make restore-drill` is the long one."""

from collections.abc import Iterator

import pytest

from tests.disasters.drill import Drill, lose_postgresql, running
from tests.e2e.stack import state_folder


@pytest.fixture
def drill() -> Iterator[Drill]:
    with state_folder() as state, running(state) as drill:
        yield drill


async def test_a_restore_to_an_earlier_time_violates_no_invariant(drill: Drill) -> None:
    result = await lose_postgresql(drill, seconds=8.0, back=3.0, shoppers=4, archive_seconds=1)
    print(result)
    assert result.orders > result.lost > 0
    assert result.violations == []
