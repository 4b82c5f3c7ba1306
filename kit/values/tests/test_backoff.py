"""Pauses double up to a maximum, with jitter."""

from hypothesis import given
from hypothesis import strategies as st

from kit.values import Backoff, backoff_seconds


@given(st.integers(min_value=1, max_value=10_000))
def test_a_pause_is_half_to_all_of_the_doubled_one(failures: int) -> None:
    full = min(5.0, 0.1 * 2 ** min(failures - 1, 20))
    assert full / 2 <= backoff_seconds(failures) <= full


def test_a_success_starts_over() -> None:
    backoff = Backoff(initial=1.0, maximum=8.0)
    pauses = [backoff.next() for _ in range(5)]
    assert all(low <= pause <= 2 * low for pause, low in zip(pauses, (0.5, 1, 2, 4, 4), strict=True))
    backoff.reset()
    assert backoff.next() <= 1.0


@given(st.integers(min_value=1, max_value=10))
def test_full_jitter_may_not_wait_at_all(failures: int) -> None:
    assert 0 <= backoff_seconds(failures, 1.0, 8.0, multiplier=3.0, min_share=0) <= 8.0
