"""Cutting rows into runs that one statement can write."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from kit.db import distinct_runs


@given(st.lists(st.integers(0, 5), max_size=30))
def test_runs_are_the_items_in_order_without_repetitions_and_no_longer_run_exists(items: list[int]) -> None:
    runs = list(distinct_runs(enumerate(items), lambda item: item[1]))
    assert [item for run in runs for item in run] == list(enumerate(items))
    for run in runs:
        assert len({value for _, value in run}) == len(run) > 0
    for run, following in pairwise(runs):
        assert following[0][1] in {value for _, value in run}
