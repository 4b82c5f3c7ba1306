"""Access tokens as they are signed: JWT, EdDSA, 15 minutes unless set otherwise."""

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
# No access token lasts longer; so long a service has to remember that a session ended.
MAX_LIFETIME: Final = timedelta(minutes=15)
# Clocks differ: a token is taken so long after its expiry.
LEEWAY: Final = timedelta(seconds=5)


class Keys(Protocol):
    """`SigningKeys`, or the `KeyFile` that they are in."""

    @property
    def signing(self) -> PyJWK:
        """The key that signs now."""
        ...


class TokenIssuer:
    """Signs access tokens; the account service alone has one."""

    def __init__(self, keys: Keys, *, lifetime: timedelta = MAX_LIFETIME, clock: Clock = utc_now) -> None:
        if lifetime > MAX_LIFETIME:
            raise ValueError(f"access tokens last at most {MAX_LIFETIME}")
        self._keys = keys
        self.lifetime = lifetime
        self._clock = clock

    def access_token(
        self, account_id: UUID, role: Role, session_id: UUID, *, session_end: datetime | None = None
    ) -> tuple[str, datetime]:
        """A token of a session, and the instant at which it expires: no later than `session_end`."""
        # JWT counts whole seconds; an expiry told to the client must not lie after the real one.
        now = self._clock().replace(microsecond=0)
        expires = now + self.lifetime
        if session_end is not None:
            expires = min(expires, session_end.replace(microsecond=0))
        claims = {
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
        key = self._keys.signing
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": key.key_id}), expires
