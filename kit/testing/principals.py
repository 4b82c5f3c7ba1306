"""Who calls a service in its tests, with tokens that nobody signed."""

from dataclasses import replace
from uuid import UUID, uuid4

from kit.auth import Principal, Role
from kit.errors import PermissionDenied, Unauthenticated


def customer() -> Principal:
    """Somebody."""
    return Principal(uuid4(), Role.USER, uuid4())


def admin() -> Principal:
    """Somebody of the shop."""
    return Principal(uuid4(), Role.ADMIN, uuid4())


class FakeTokenVerifier:
    """A verifier that knows whom it has made a token for: the account's id is the token."""

    def __init__(self) -> None:
        self._known: dict[str, Principal] = {}

    def token(self, principal: Principal) -> Principal:
        """The same caller, signed in."""
        named = replace(principal, token=str(principal.account_id))
        self._known[named.token] = named
        return named

    def revoke(self, principal: Principal) -> None:
        """Ends the caller's session."""
        del self._known[str(principal.account_id)]

    async def verify(self, token: str) -> Principal:
        """Raises Unauthenticated for any other token."""
        if token not in self._known:
            raise Unauthenticated("the token is not valid", reason="TOKEN_INVALID")
        return self._known[token]


class FakeAdminVerifier:
    """`kit.service.AdminVerifierClient` that believes every ADMIN's token, but for those that are `demoted`."""

    def __init__(self) -> None:
        self.demoted: set[UUID] = set()

    async def require_admin(self, caller: Principal) -> None:
        """Raises PermissionDenied for them."""
        if caller.account_id in self.demoted:
            raise PermissionDenied("only for ADMIN", reason="ADMIN_ONLY")
