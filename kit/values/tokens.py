"""Randomness for secrets."""

import secrets


def secret_token(size: int = 32) -> str:
    """Unguessable URL-safe text of `size` random bytes."""
    return secrets.token_urlsafe(size)
