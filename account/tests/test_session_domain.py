"""What presenting a refresh token comes to."""

from datetime import timedelta
from uuid import uuid4

import pytest

from account.session_domain import Refresh, Session, Use, successor
from kit.testing import FakeClock

NOW = FakeClock().now
DAY = timedelta(days=1)


def refresh(**changes: object) -> Refresh:
    given = {
        "session_id": uuid4(),
        "account_id": uuid4(),
        "session_expire_time": NOW + 90 * DAY,
        "session_ended": False,
        "expire_time": NOW + 14 * DAY,
        "use_time": None,
        "seed": "seed",
        "successor_expire_time": NOW + 14 * DAY,
        "successor_used": False,
    }
    return Refresh(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "use"),
    [
        ({}, Use.FRESH),
        ({"expire_time": NOW}, Use.EXPIRED),
        ({"session_ended": True}, Use.ENDED),
        ({"session_expire_time": NOW}, Use.ENDED),
        ({"use_time": NOW - timedelta(seconds=10)}, Use.REPEATED),
        ({"use_time": NOW - timedelta(seconds=10.1)}, Use.STOLEN),
        ({"use_time": NOW - timedelta(seconds=1), "successor_used": True}, Use.STOLEN),
        # Used by the release before seeds: its successor cannot be told again, but nobody stole it.
        ({"use_time": NOW - timedelta(seconds=1), "seed": None}, Use.EXPIRED),
        ({"use_time": NOW - timedelta(seconds=11), "seed": None}, Use.STOLEN),
        # Nobody is told more of a session that is over.
        ({"use_time": NOW - DAY, "session_ended": True}, Use.ENDED),
        # A repeat is forgiven even if the token would have ended meanwhile.
        ({"use_time": NOW - timedelta(seconds=5), "expire_time": NOW}, Use.REPEATED),
    ],
)
def test_a_token_is_fresh_repeated_or_stolen(changes: dict[str, object], use: Use) -> None:
    assert refresh(**changes).use(NOW) is use


def test_a_token_never_outlives_its_session() -> None:
    assert refresh().next_expiry(NOW, 14 * DAY) == NOW + 14 * DAY
    assert refresh().next_expiry(NOW + 80 * DAY, 14 * DAY) == NOW + 90 * DAY
    session = Session.begin(uuid4(), NOW, idle=14 * DAY, absolute=7 * DAY)
    assert session.refresh_expire_time == session.expire_time == NOW + 7 * DAY


def test_a_successor_follows_from_token_and_seed_alike() -> None:
    assert successor("token", "seed") == successor("token", "seed")
    assert len({successor(token, seed) for token in ("a", "b", "\ud800") for seed in ("c", "d")}) == 6
    assert len(successor("token", "seed")) == 43
