"""What several aggregates need."""

from typing import Protocol

from kit.auth import Principal


class AdminVerifier(Protocol):
    """The account service."""

    async def require_admin(self, caller: Principal) -> None:
        """Raises PermissionDenied unless the caller is an ADMIN now, Unauthenticated if the session was revoked."""
