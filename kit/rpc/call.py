"""The call that is being answered: who calls, from where, under which correlation id."""

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from kit.auth import Principal
from kit.errors import PermissionDenied, Unauthenticated
from kit.values import ACCOUNT


@dataclass(frozen=True, slots=True)
class Call:
    """What an RPC knows of its caller beside the request.

    `address` is the client's network address as the gateway saw it, empty when it was not told; `peer` is
    the address of the process at the other end.
    """

    principal: Principal | None = None
    correlation_id: str = ""
    address: str = ""
    peer: str = ""

    def require_principal(self) -> Principal:
        """The signed-in caller; raises Unauthenticated."""
        if self.principal is None:
            raise Unauthenticated("sign in first")
        return self.principal

    def require_admin(self) -> Principal:
        """The caller, who is an ADMIN; raises Unauthenticated or PermissionDenied."""
        principal = self.require_principal()
        if not principal.is_admin:
            raise PermissionDenied("only for ADMIN", reason="ADMIN_ONLY")
        return principal

    def resolve_account_scope(self, account_id: str, *, all_accounts: bool) -> UUID | None:
        """The account whose things are listed: the one named, else the caller's; None, which only an ADMIN may ask for: everybody's.

        Raises Unauthenticated, PermissionDenied, InvalidArgument.
        """
        caller = self.require_principal()
        if not account_id:
            return None if all_accounts and self.require_admin() else caller.account_id
        named = ACCOUNT.parse(account_id, "accountId")
        caller.require_access_to(named)
        return named


# Set while a call is answered, so that channels pass its token, address and correlation id on; consumers have
# none.
current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)
