"""Checks with the account service that a caller is an ADMIN now, since a token only holds the role as of its signing.

Writes by an ADMIN check on every call (docs/guarantees.md, Security); reads trust the token.
"""

from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as pb

from kit.auth import AdminRequired, Principal
from kit.identity import Identity
from kit.rpc import Peer


class AdminVerifierClient(Peer):
    """Client of AccountService.VerifyToken; implements `kit.auth.AdminVerifier`."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["AccountService"], identity)

    async def require_admin(self, caller: Principal) -> None:
        """Raises AdminRequired unless the caller is an ADMIN now, Unauthenticated when the session was revoked."""
        request = pb.VerifyTokenRequest(access_token=caller.token)
        response = await self._call("VerifyToken", request, pb.VerifyTokenResponse)
        if response.role != account_pb2.ROLE_ADMIN:
            raise AdminRequired()
