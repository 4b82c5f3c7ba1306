"""Encrypts secrets in events, which stay readable in Kafka for days."""

from base64 import urlsafe_b64encode
from typing import Final

from cryptography.fernet import Fernet, InvalidToken

# The development default of MAIL_SEALING_KEY, which account and notification share.
DEVELOPMENT_SEALING_KEY: Final = urlsafe_b64encode(b"souk in development, no secret!!").decode()


class Sealer:
    """Encrypts and authenticates short texts with a shared key: 32 random bytes in URL-safe base64 (`Fernet.generate_key()`).

    Raises ValueError for any other key.
    """

    def __init__(self, key: str) -> None:
        self._fernet = Fernet(key)

    def seal(self, text: str) -> bytes:
        """The encrypted text, readable only with the same key."""
        return self._fernet.encrypt(text.encode())

    def unseal(self, sealed: bytes) -> str:
        """The text; raises ValueError when it was sealed with another key or was modified."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken:
            raise ValueError("not sealed with this key") from None
