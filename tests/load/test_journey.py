"""When a rate of whole journeys is sustained, and how the highest one is searched for."""

from dataclasses import replace

import pytest

from tests.load.journey import Journeys, confirmations, find_highest, lags_by_second, thirds

SUSTAINED = Journeys(
    rate=20,
    seconds=60,
    orders=1200,
    failed=0,
    dropped=0,
    unconfirmed=0,
    p50=20,
    p95=59,
    first_lag=1.0,
    last_lag=1.7,
    lags=[],
    cpu={},
)


def test_a_rate_is_sustained_if_the_lag_hardly_grows() -> None:
    assert SUSTAINED.reasons(60) == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"failed": 1}, "1 failed"),
        ({"dropped": 2}, "2 could not start in time"),
        ({"unconfirmed": 3}, "3 not confirmed"),
        ({"p95": 60.0}, "p95 of createOrder 60 ms"),
        ({"last_lag": 2.0}, "the lag grew from 1.0 to 2.0 s"),
    ],
)
def test_a_rate_is_not_sustained_otherwise(change: dict[str, float], reason: str) -> None:
    assert replace(SUSTAINED, **change).reasons(60) == [reason]  # type: ignore[arg-type]


@pytest.mark.parametrize("limit", [0, 1, 7, 19, 20, 21, 44, 100, 333])
async def test_the_highest_rate_is_within_a_tenth_of_the_limit(limit: int) -> None:
    tried = []

    async def sustained(rate: int) -> bool:
        tried.append(rate)
        return rate <= limit

    highest = await find_highest(20, 1000, sustained)
    assert highest <= limit <= highest * 1.1 + 1
    assert len(tried) == len(set(tried)) < 14


async def test_no_rate_above_the_limit_is_tried() -> None:
    tried = []

    async def sustained(rate: int) -> bool:
        tried.append(rate)
        return True

    assert await find_highest(20, 40, sustained) == 40
    assert tried == [20, 30, 40]


def test_lags_are_medians_by_second_of_the_orders_that_have_a_mail() -> None:
    placed = {"a": 100.0, "b": 100.9, "c": 101.2, "d": 103.0}
    confirmed = {"a": 101.0, "b": 103.9, "c": 101.7}
    assert [(second, round(lag, 3)) for second, lag in lags_by_second(placed, confirmed)] == [
        (0, 2.0),
        (1, 0.5),
    ]
    assert lags_by_second({}, {}) == []


def test_the_first_and_the_last_third_are_compared() -> None:
    assert thirds([(second, float(second)) for second in range(9)]) == (1.0, 7.0)
    assert thirds([(0, 3.0)]) == (3.0, 3.0)
    assert thirds([]) == (0.0, 0.0)


def test_only_the_first_confirmation_of_an_order_counts() -> None:
    def mail(subject: str, time: float) -> dict[str, object]:
        return {"subject": subject, "orders": ["ord_1"], "time": time}

    confirmed = "Your order is confirmed"
    mails = [mail("We received your order", 1.0), mail(confirmed, 3.0), mail(confirmed, 2.0)]
    assert confirmations(mails) == {"ord_1": 2.0}
