"""Who calls: access tokens, the keys that sign them, and the principal that a token stands for.

Sessions, refresh tokens and passwords are the account service's and are not here.
"""

from kit.auth.keys import KeyFile, SigningKeys
from kit.auth.principal import Principal, Role, bearer_token
from kit.auth.revoked_sessions import RevokedSessions
from kit.auth.sealing import DEVELOPMENT_SEALING_KEY, Sealer
from kit.auth.tokens import LEEWAY, MAX_LIFETIME, TokenIssuer
from kit.auth.verifier import TokenVerifier

__all__ = [
    "DEVELOPMENT_SEALING_KEY",
    "LEEWAY",
    "MAX_LIFETIME",
    "KeyFile",
    "Principal",
    "RevokedSessions",
    "Role",
    "Sealer",
    "SigningKeys",
    "TokenIssuer",
    "TokenVerifier",
    "bearer_token",
]
