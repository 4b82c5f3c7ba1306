"""The RPCs of mailed links."""

from souk.account.v1 import account_service_pb2 as pb

from account.accounts.messages import account_to_proto
from account.links.use_cases import EmailVerifications, PasswordResetRequests, PasswordResets
from kit.rpc import Call


class LinksRpc:
    """Serves mailed links."""

    def __init__(
        self, requests: PasswordResetRequests, resets: PasswordResets, verifications: EmailVerifications
    ) -> None:
        self._requests = requests
        self._resets = resets
        self._verifications = verifications

    async def request_password_reset(
        self, request: pb.RequestPasswordResetRequest, call: Call
    ) -> pb.RequestPasswordResetResponse:
        """Public."""
        await self._requests.request_password_reset(request.email, call.address)
        return pb.RequestPasswordResetResponse()

    async def reset_password(self, request: pb.ResetPasswordRequest, call: Call) -> pb.ResetPasswordResponse:
        """Public; the link identifies the account."""
        await self._resets.reset_password(request.token, request.new_password, call.address)
        return pb.ResetPasswordResponse()

    async def request_email_verification(
        self, request: pb.RequestEmailVerificationRequest, call: Call
    ) -> pb.RequestEmailVerificationResponse:
        """For the owner."""
        await self._verifications.request_email_verification(call.require_principal(), call.address)
        return pb.RequestEmailVerificationResponse()

    async def verify_email(self, request: pb.VerifyEmailRequest, call: Call) -> pb.VerifyEmailResponse:
        """Public; the link identifies the account."""
        account = await self._verifications.verify_email(request.token, call.address)
        return pb.VerifyEmailResponse(account=account_to_proto(account))
