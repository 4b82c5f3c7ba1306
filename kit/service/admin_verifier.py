"""Asks the account service whether a token's account is an ADMIN now: the token says what was true when it was signed.

For what an ADMIN changes, at each call (guarantees, Security). Whoever only reads is believed for as long as the token lasts.
"""

from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as pb

from kit.auth import Principal
from kit.errors import PermissionDenied
from kit.identity import Identity
from kit.rpc import Peer


class AdminVerifierClient(Peer):
    """The account service, as those know it who ask for that alone."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["AccountService"], identity)

    async def require_admin(self, caller: Principal) -> None:
        """Raises PermissionDenied unless the caller is an ADMIN now, Unauthenticated when the session has ended."""
        request = pb.VerifyTokenRequest(access_token=caller.token)
        answer = await self._call("VerifyToken", request, pb.VerifyTokenResponse)
        if answer.role != account_pb2.ROLE_ADMIN:
            raise PermissionDenied("only for ADMIN", reason="ADMIN_ONLY")
