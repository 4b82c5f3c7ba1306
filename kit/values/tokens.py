"""Random secrets."""

import secrets


def secret_token(size: int = 32) -> str:
    """`size` random bytes as URL-safe text."""
    return secrets.token_urlsafe(size)
