"""The current call: its caller, network address and correlation id."""

from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from kit.auth import AdminRequired, Principal
from kit.errors import Unauthenticated
from kit.values import ACCOUNT


@dataclass(frozen=True, slots=True)
class Call:
    """What an RPC handler receives beside the request.

    `address` is the client's network address as seen by the gateway, empty if unknown; `peer` is the address of the calling process.
    """

    principal: Principal | None = None
    correlation_id: str = ""
    address: str = ""
    peer: str = ""

    def require_principal(self) -> Principal:
        """The authenticated caller; raises Unauthenticated."""
        if self.principal is None:
            raise Unauthenticated()
        return self.principal

    def require_admin(self) -> Principal:
        """The caller, an ADMIN; raises Unauthenticated or AdminRequired."""
        principal = self.require_principal()
        if not principal.is_admin:
            raise AdminRequired()
        return principal

    def resolve_account_scope(self, account_id: str, *, all_accounts: bool) -> UUID | None:
        """The account to list for: the one in the request, else the caller's. None means all accounts, which only an ADMIN may request.

        Raises Unauthenticated, PermissionDenied, InvalidArgument.
        """
        caller = self.require_principal()
        if not account_id:
            return None if all_accounts and self.require_admin() else caller.account_id
        requested = ACCOUNT.parse(account_id, "accountId")
        caller.require_access_to(requested)
        return requested


# Set while a call is handled, so that channels forward its token, address and correlation id. Consumers have none.
current_call: ContextVar[Call | None] = ContextVar("current_call", default=None)
