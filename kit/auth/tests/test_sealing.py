"""What is sealed can be read with its key, and with no other."""

from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet

from kit.auth import Sealer

KEY = Fernet.generate_key().decode()


def test_what_was_sealed_is_read_with_the_same_key() -> None:
    sealed = Sealer(KEY).seal("a token")
    assert b"token" not in sealed
    assert Sealer(KEY).unseal(sealed) == "a token"


@pytest.mark.parametrize(
    "spoil", [lambda sealed: sealed[:-4] + b"AAA=", lambda sealed: b"", lambda sealed: sealed[1:]]
)
def test_what_was_changed_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match="not sealed with this key"):
        Sealer(KEY).unseal(spoil(Sealer(KEY).seal("a token")))


def test_another_key_cannot_read_it() -> None:
    with pytest.raises(ValueError, match="not sealed with this key"):
        Sealer(Fernet.generate_key().decode()).unseal(Sealer(KEY).seal("a token"))


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="Fernet key"):
        Sealer("too short")
