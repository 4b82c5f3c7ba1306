"""Keys are replaced while tokens go on: a new one is known before it signs, an old one until its tokens have expired."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import jwt
import pytest

from kit.auth import KeyFile, Role, SigningKeys, TokenIssuer, TokenVerifier
from kit.auth.keys import Jwk
from kit.errors import Unauthenticated
from kit.testing import eventually
from kit.values import ACCOUNT, SESSION

KEEP = timedelta(minutes=16)
NOW, SOON = timedelta(0), timedelta(minutes=2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    SigningKeys.generate(tmp_path / "keys.json")
    return tmp_path / "keys.json"


def token(keys: SigningKeys | KeyFile) -> str:
    return TokenIssuer(keys).access_token(ACCOUNT.new(), Role.USER, SESSION.new())[0]


def kid(text: str) -> str:
    return str(jwt.get_unverified_header(text)["kid"])


def kids(keys: SigningKeys | KeyFile) -> list[str]:
    return [key["kid"] for key in keys.public()]


def test_a_new_key_is_published_before_it_signs(path: Path) -> None:
    old = SigningKeys.load(path)

    rotated = old.rotated(after=SOON, keep=KEEP)

    assert len(kids(rotated)) == 2
    assert kid(token(rotated)) == kid(token(old))


async def test_tokens_of_the_old_key_count_beside_those_of_the_new_one(path: Path) -> None:
    old = SigningKeys.load(path)
    rotated = old.rotated(after=NOW, keep=KEEP)
    verifier = TokenVerifier(rotated.public)

    assert kid(token(rotated)) != kid(token(old))
    for item in (token(old), token(rotated)):
        await verifier.verify(item)


def test_a_key_goes_once_its_last_token_has_expired(path: Path) -> None:
    first = SigningKeys.load(path)
    second = first.rotated(after=NOW, keep=KEEP)

    assert len(kids(second.rotated(after=SOON, keep=KEEP))) == 3
    # The first signs nothing any more, and nothing that it signed counts; the second signs until the third does.
    third = second.rotated(after=SOON, keep=timedelta(seconds=-1))
    assert kids(third)[1:] == kids(second)[:1]
    assert len(kids(second.rotated(after=NOW, keep=timedelta(seconds=-1)))) == 1


def test_the_public_keys_contain_no_private_part(path: Path) -> None:
    for key in SigningKeys.load(path).rotated(after=SOON, keep=KEEP).public():
        assert set(key) == {"kty", "crv", "use", "alg", "kid", "x"}


async def test_a_running_service_takes_the_new_file(path: Path) -> None:
    file = KeyFile(path)
    verifier = TokenVerifier(file.public)
    before = token(file)
    await verifier.verify(before)

    await asyncio.to_thread(SigningKeys.load(path).rotated(after=NOW, keep=KEEP).write, path)

    await eventually(lambda: kid(token(file)) != kid(before), seconds=10)
    assert (await asyncio.to_thread(path.stat)).st_mode & 0o077 == 0
    await verifier.verify(before)


async def test_a_file_that_cannot_be_read_changes_nothing(path: Path) -> None:
    file = KeyFile(path)
    known = kids(file)
    await asyncio.to_thread(path.write_text, "{}")
    await eventually(lambda: _looked(file), seconds=10)
    assert kids(file) == known
    await asyncio.to_thread(path.unlink)
    await eventually(lambda: _looked(file), seconds=10)
    assert kids(file) == known


async def test_tokens_of_a_key_that_was_withdrawn_are_forgotten(path: Path) -> None:
    keys = [SigningKeys.load(path)]
    verifier = TokenVerifier(lambda: keys[-1].public())
    before = token(keys[0])
    await verifier.verify(before)
    keys.append(keys[0].rotated(after=NOW, keep=timedelta(seconds=-1)))

    async def rejected() -> bool:
        # Its first token makes the new key known.
        try:
            await verifier.verify(token(keys[-1]))
            await verifier.verify(before)
        except Unauthenticated:
            return True
        return False

    await eventually(rejected, seconds=10)


async def test_a_withdrawn_key_is_rejected_even_without_a_token_of_a_new_key(path: Path) -> None:
    keys = [SigningKeys.load(path)]
    verifier = TokenVerifier(lambda: keys[-1].public())
    before = token(keys[0])
    await verifier.verify(before)
    keys.append(keys[0].rotated(after=NOW, keep=timedelta(seconds=-1)))
    await verifier.verify(before)

    # Ten seconds later a request triggers a refresh without waiting for it.
    verifier._last_fetch -= 11

    async def rejected() -> bool:
        try:
            await verifier.verify(before)
        except Unauthenticated:
            return True
        return False

    await eventually(rejected, seconds=5)


async def test_after_an_idle_minute_keys_are_fetched_first(path: Path) -> None:
    keys = [SigningKeys.load(path)]
    verifier = TokenVerifier(lambda: keys[-1].public())
    before = token(keys[0])
    await verifier.verify(before)
    keys.append(keys[0].rotated(after=NOW, keep=timedelta(seconds=-1)))
    verifier._last_fetch -= 61

    with pytest.raises(Unauthenticated):
        await verifier.verify(before)


async def test_the_last_valid_keys_are_used_while_keys_cannot_be_fetched(path: Path) -> None:
    keys, down = SigningKeys.load(path), False

    def fetch() -> Sequence[Jwk]:
        if down:
            raise ConnectionRefusedError
        return keys.public()

    verifier = TokenVerifier(fetch)
    await verifier.verify(token(keys))
    down = True
    for age in (11, 61):
        verifier._last_fetch -= age
        await verifier.verify(token(keys))


def test_no_token_lasts_longer_than_services_remember_ended_sessions(path: Path) -> None:
    with pytest.raises(ValueError, match="must not exceed"):
        TokenIssuer(SigningKeys.load(path), lifetime=timedelta(minutes=16))


def _looked(file: KeyFile) -> bool:
    """Whether the next call checks the file again."""
    before = file._next_check
    file.public()
    return file._next_check != before
