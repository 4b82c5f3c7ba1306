"""The tables of a run."""

from tests.upgrade.figures import Figures, Request


def test_requests_are_counted_by_phase_and_by_operation() -> None:
    requests = [
        Request("me", "before", 0.010),
        Request("me", "during", 0.030),
        Request("search", "during", 1.5, "INTERNAL"),
    ]
    figures = Figures(requests, {"before": 1.0, "during": 2.5, "after": 1.0})
    assert figures.failures == [requests[2]]
    lines = str(figures).splitlines()
    assert "| before | 1.0 | 1 | 0 | 10 | 10 | 10 |" in lines
    assert "| during | 2.5 | 2 | 1 | 30 | 30 | 1,500 |" in lines
    assert "| after | 1.0 | 0 | 0 | | |  |" in lines
    assert "| me | 2 | 0 | 10 | 10 | 30 |" in lines
    assert "| all | 3 | 1 | 30 | 30 | 1,500 |" in lines
