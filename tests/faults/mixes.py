"""What each shopper does, and in which order. Hypothesis makes the mixes: besides the even ones it likes those that chance
hardly ever makes, such as the same thing over and over.
"""

from __future__ import annotations

from typing import Final

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

# Each as often as it stands here, about.
DEEDS: Final = (
    ("order",) * 14
    + ("order at once",) * 2
    + ("cancel",) * 2
    + ("refund",)
    + ("refund in parts",)
    + ("adjust stock",) * 3
    + ("set stock",)
    + ("move",) * 3
)


def mixes(count: int, of: int) -> list[list[str]]:
    """So many mixes, always the same ones of the same seed; orders are at least every third deed."""
    made: list[list[str]] = []

    @seed(of)
    @settings(
        # The first example is always the least one.
        max_examples=count + 1,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(st.sampled_from(DEEDS), min_size=10, max_size=60))
    def make(mix: list[str]) -> None:
        made.append([*mix, *["order"] * (len(mix) // 2)])

    make()
    return made[-count:]
