"""The tokens of a session that has ended are refused, and the session is forgotten once they have expired."""

import time
from pathlib import Path

import pytest

from kit.auth import RevokedSessions, Role, SigningKeys, TokenIssuer, TokenVerifier
from kit.errors import Unauthenticated
from kit.values import ACCOUNT, SESSION


async def test_a_token_that_was_taken_is_refused_once_its_session_ended(tmp_path: Path) -> None:
    keys = SigningKeys.generate(tmp_path / "keys.json")
    verifier, issuer = TokenVerifier(keys.public), TokenIssuer(keys)
    account_id, ended, other = ACCOUNT.new(), SESSION.new(), SESSION.new()
    tokens = [issuer.access_token(account_id, Role.USER, ended)[0] for _ in range(2)]
    await verifier.verify(tokens[0])

    verifier.revoked_sessions.add(ended, time.time() + 60)

    for token in tokens:
        with pytest.raises(Unauthenticated) as rejection:
            await verifier.verify(token)
        assert rejection.value.reason == "TOKEN_INVALID"
    await verifier.verify(issuer.access_token(account_id, Role.USER, other)[0])


def test_what_cannot_have_a_token_any_more_is_not_remembered() -> None:
    ended, session_id = RevokedSessions(), SESSION.new()
    ended.add(session_id, time.time() - 1)
    assert session_id not in ended


def test_the_memory_of_ended_sessions_does_not_grow_for_ever() -> None:
    ended, living = RevokedSessions(), SESSION.new()
    ended.add(living, time.time() + 60)
    for _ in range(10):
        soon = time.time() + 0.002
        for _ in range(500):
            ended.add(SESSION.new(), soon)
        while time.time() <= soon:
            pass
    assert living in ended
    assert len(ended) < 2000
