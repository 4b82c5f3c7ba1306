"""Authentication: access tokens, the keys that sign them, and the principal that a token identifies.

Not here: sessions, refresh tokens and passwords, which the account service owns.
"""

from kit.auth.admins import AdminRequired, AdminVerifier
from kit.auth.keys import KeyFile, SigningKeys
from kit.auth.principal import NotForGuests, Principal, Role, bearer_token
from kit.auth.revoked_sessions import RevokedSessions
from kit.auth.sealing import DEVELOPMENT_SEALING_KEY, Sealer
from kit.auth.tokens import LEEWAY, MAX_LIFETIME, TokenIssuer
from kit.auth.verifier import TokenVerifier

__all__ = [
    "DEVELOPMENT_SEALING_KEY",
    "LEEWAY",
    "MAX_LIFETIME",
    "AdminRequired",
    "AdminVerifier",
    "KeyFile",
    "NotForGuests",
    "Principal",
    "RevokedSessions",
    "Role",
    "Sealer",
    "SigningKeys",
    "TokenIssuer",
    "TokenVerifier",
    "bearer_token",
]
