"""What counts as too much growth."""

from tests.load.growth import exceeded


def test_growth_up_to_a_fifth_is_allowed() -> None:
    assert not list(exceeded({("before", "me"): [{"gateway": 1.0}], ("after", "me"): [{"gateway": 1.19}]}))


def test_more_growth_is_named() -> None:
    measured = {
        ("before", "order"): [{"order": 1.0, "postgresql": 1.0}] * 3,
        ("after", "order"): [{"order": 1.0, "postgresql": 1.6}] * 3,
    }

    assert list(exceeded(measured)) == [
        "order costs 1.30 times as much on the filled stack, the limit is 1.2"
    ]
