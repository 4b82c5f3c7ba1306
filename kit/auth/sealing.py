"""Seals a secret that has to cross the event log, where it would otherwise lie readable for days."""

from base64 import urlsafe_b64encode
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

# What MAIL_SEALING_KEY is in development, where account and notification must agree without being told.
DEVELOPMENT_SEALING_KEY: Final = urlsafe_b64encode(b"souk in development, no secret!!").decode()


class Sealer:
    """Encrypts and authenticates short texts with a key that sender and receiver share.

    The key is 32 random bytes in URL-safe base64 (`Fernet.generate_key()`); raises ValueError when it is not.
    """

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(key)

    def seal(self, text: str) -> bytes:
        """What only `unseal` with the same key can read."""
        return self._fernet.encrypt(text.encode())

    def unseal(self, sealed: bytes) -> str:
        """The text; raises ValueError when it was sealed with another key or changed on the way."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise ValueError("not sealed with this key") from None
