"""Callers of a service in its tests, with unsigned tokens."""

from dataclasses import replace
from uuid import UUID, uuid4

from kit.auth import AdminRequired, Principal, Role
from kit.errors import Unauthenticated


def customer() -> Principal:
    """A principal with the USER role."""
    return Principal(uuid4(), Role.USER, uuid4())


def guest() -> Principal:
    """A principal that cannot sign in."""
    return Principal(uuid4(), Role.USER, uuid4(), guest=True)


def admin() -> Principal:
    """A principal with the ADMIN role."""
    return Principal(uuid4(), Role.ADMIN, uuid4())


class FakeTokenVerifier:
    """A verifier of the tokens that it issued; a token is the account's id."""

    def __init__(self) -> None:
        self._principals: dict[str, Principal] = {}

    def token(self, principal: Principal) -> Principal:
        """The principal with a valid token."""
        with_token = replace(principal, token=str(principal.account_id))
        self._principals[with_token.token] = with_token
        return with_token

    def revoke(self, principal: Principal) -> None:
        """Revokes the principal's token."""
        del self._principals[str(principal.account_id)]

    async def verify(self, token: str) -> Principal:
        """Raises Unauthenticated for any other token."""
        if token not in self._principals:
            raise Unauthenticated("the token is not valid", reason="TOKEN_INVALID")
        return self._principals[token]


class FakeAdminVerifier:
    """An `AdminVerifier` that trusts every ADMIN's token, except for the `demoted` accounts."""

    def __init__(self) -> None:
        self.demoted: set[UUID] = set()

    async def require_admin(self, caller: Principal) -> None:
        """Raises AdminRequired for a demoted account."""
        if caller.account_id in self.demoted:
            raise AdminRequired()
