"""Checks of the ADMIN role. The token carries the role as of its signing; the account service knows the current one."""

from typing import Protocol

from kit.auth.principal import Principal
from kit.errors import PermissionDenied


class AdminRequired(PermissionDenied):
    """The caller does not have the ADMIN role."""

    reason = "ADMIN_ONLY"
    default_message = "requires the ADMIN role"


class AdminVerifier(Protocol):
    """Checks the current role with the account service: `kit.service.AdminVerifierClient`."""

    async def require_admin(self, caller: Principal) -> None:
        """Raises AdminRequired unless the caller has the ADMIN role now, Unauthenticated when the session was revoked."""
        ...
