"""Errors of sessions.

SoukError
'- Unauthenticated
   |- SessionRevoked   the session was revoked or has expired, or its token is unknown
   '- RefreshExpired   the refresh token was not used in time
"""

from kit.errors import Unauthenticated


class SessionRevoked(Unauthenticated):
    """The token's session was revoked or has expired, its account was deleted, or the token is unknown."""

    reason = "TOKEN_INVALID"
    default_message = "the token is not valid"


class RefreshExpired(Unauthenticated):
    """The refresh token was not used in time."""

    reason = "TOKEN_EXPIRED"
    default_message = "the token has expired"
