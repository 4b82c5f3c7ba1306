"""The meaning of using a refresh token, and the lifetimes of sessions."""

from datetime import timedelta
from uuid import uuid4

import pytest

from account.sessions.domain import Lifetimes, RefreshToken, Session, TokenUse, successor
from kit.testing import FakeClock

NOW = FakeClock().now
DAY = timedelta(days=1)


def refresh_token(**changes: object) -> RefreshToken:
    defaults = {
        "session_id": uuid4(),
        "account_id": uuid4(),
        "session_expire_time": NOW + 90 * DAY,
        "session_revoked": False,
        "expire_time": NOW + 14 * DAY,
        "use_time": None,
        "seed": "seed",
        "successor_expire_time": NOW + 14 * DAY,
        "successor_used": False,
    }
    return RefreshToken(**(defaults | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "use"),
    [
        ({}, TokenUse.FRESH),
        ({"expire_time": NOW}, TokenUse.EXPIRED),
        ({"session_revoked": True}, TokenUse.REVOKED),
        ({"session_expire_time": NOW}, TokenUse.REVOKED),
        ({"use_time": NOW - timedelta(seconds=10)}, TokenUse.REPEATED),
        ({"use_time": NOW - timedelta(seconds=10.1)}, TokenUse.REUSED),
        ({"use_time": NOW - timedelta(seconds=1), "successor_used": True}, TokenUse.REUSED),
        # Used by a release without seeds: the successor cannot be derived, but nothing was stolen.
        ({"use_time": NOW - timedelta(seconds=1), "seed": None}, TokenUse.EXPIRED),
        ({"use_time": NOW - timedelta(seconds=11), "seed": None}, TokenUse.REUSED),
        # A revoked session reveals nothing about its tokens.
        ({"use_time": NOW - DAY, "session_revoked": True}, TokenUse.REVOKED),
        # A repetition is accepted even if the token expired after its first use.
        ({"use_time": NOW - timedelta(seconds=5), "expire_time": NOW}, TokenUse.REPEATED),
    ],
)
def test_the_use_of_a_token_is_classified(changes: dict[str, object], use: TokenUse) -> None:
    assert refresh_token(**changes).classify_use(NOW) is use


def test_a_token_never_outlives_its_session() -> None:
    assert refresh_token().successor_expiry(NOW, 14 * DAY) == NOW + 14 * DAY
    assert refresh_token().successor_expiry(NOW + 80 * DAY, 14 * DAY) == NOW + 90 * DAY
    session = Session.start(uuid4(), NOW, Lifetimes(14 * DAY, 7 * DAY))
    assert session.refresh_expire_time == session.expire_time == NOW + 7 * DAY


def test_a_successor_is_derived_from_token_and_seed() -> None:
    assert successor("token", "seed") == successor("token", "seed")
    assert len({successor(token, seed) for token in ("a", "b", "\ud800") for seed in ("c", "d")}) == 6
    assert len(successor("token", "seed")) == 43
