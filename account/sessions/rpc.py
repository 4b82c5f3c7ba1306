"""The RPCs of sessions and their tokens."""

from souk.account.v1 import account_service_pb2 as pb

from account.accounts.messages import ROLES, account_to_proto
from account.sessions.messages import tokens_to_proto
from account.sessions.use_cases import Sessions
from kit.auth import TokenVerifier
from kit.rpc import Call
from kit.values import ACCOUNT


class SessionsRpc:
    """Serves sessions."""

    def __init__(self, sessions: Sessions, verifier: TokenVerifier) -> None:
        self._sessions = sessions
        self._verifier = verifier

    async def verify_token(self, request: pb.VerifyTokenRequest, call: Call) -> pb.VerifyTokenResponse:
        """For other services; the request's token identifies the account."""
        principal = await self._verifier.verify(request.access_token)
        role = await self._sessions.current_role(principal)
        return pb.VerifyTokenResponse(account_id=ACCOUNT.format(principal.account_id), role=ROLES[role])

    async def refresh_tokens(self, request: pb.RefreshTokensRequest, call: Call) -> pb.RefreshTokensResponse:
        """Public; the refresh token identifies the caller."""
        result = await self._sessions.refresh(request.refresh_token, call.address)
        return pb.RefreshTokensResponse(
            account=account_to_proto(result.account), tokens=tokens_to_proto(result)
        )

    async def logout(self, request: pb.LogoutRequest, call: Call) -> pb.LogoutResponse:
        """For the holder of either token."""
        await self._sessions.logout(call.principal, request.refresh_token, call.address)
        return pb.LogoutResponse()
