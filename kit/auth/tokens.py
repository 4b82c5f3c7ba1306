"""Issues access tokens: JWT, EdDSA, valid for 15 minutes by default."""

from datetime import datetime, timedelta
from typing import Final, Protocol
from uuid import UUID

import jwt
from jwt import PyJWK

from kit.auth.principal import Role
from kit.values import ACCOUNT, SESSION, Clock, secret_token, utc_now

ISSUER = "souk"
AUDIENCE = "souk"
ALGORITHM = "EdDSA"
TYPE = "access"
# Upper bound of an access token's lifetime, and so of how long revoked sessions are remembered.
MAX_LIFETIME: Final = timedelta(minutes=15)
# Clock-skew tolerance.
LEEWAY: Final = timedelta(seconds=5)


class Keys(Protocol):
    """`SigningKeys` or `KeyFile`."""

    @property
    def signing(self) -> PyJWK:
        """The key that currently signs."""
        ...


class TokenIssuer:
    """Signs access tokens; only the account service uses it."""

    def __init__(self, keys: Keys, *, lifetime: timedelta = MAX_LIFETIME, clock: Clock = utc_now) -> None:
        if lifetime > MAX_LIFETIME:
            raise ValueError(f"access token lifetime must not exceed {MAX_LIFETIME}")
        self._keys = keys
        self.lifetime = lifetime
        self._clock = clock

    def access_token(
        self,
        account_id: UUID,
        role: Role,
        session_id: UUID,
        *,
        guest: bool = False,
        contact: bool = False,
        session_end: datetime | None = None,
    ) -> tuple[str, datetime]:
        """A token and its expiry, which is at most `session_end`. `contact`: mails can reach the guest."""
        # JWT times are whole seconds; the returned expiry must not be later than the token's own.
        now = self._clock().replace(microsecond=0)
        expires = now + self.lifetime
        if session_end is not None:
            expires = min(expires, session_end.replace(microsecond=0))
        claims: dict[str, str | bool | datetime] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": ACCOUNT.format(account_id),
            "sid": SESSION.format(session_id),
            "role": role.value,
            "typ": TYPE,
            "jti": secret_token(12),
            "iat": now,
            "nbf": now,
            "exp": expires,
        }
        if guest:
            # Only in tokens of guests, so that all others stay as they are.
            claims["guest"] = True
        if contact:
            claims["contact"] = True
        key = self._keys.signing
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": key.key_id}), expires
