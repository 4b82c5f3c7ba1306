"""What the edge of ProductService needs besides use cases."""

from typing import Protocol

from kit.auth import Principal


class AdminVerifier(Protocol):
    """The account service."""

    async def require_admin(self, caller: Principal) -> None:
        """Raises PermissionDenied unless the caller is an ADMIN now, Unauthenticated if the session was revoked."""
