"""The RPCs of mailed links."""

from souk.account.v1 import account_service_pb2 as pb
from souk.account.v1 import guest_service_pb2 as guest_pb

from account.accounts.messages import account_to_proto
from account.links.order_links import OrderLinkRequests, OrderLinks
from account.links.use_cases import EmailVerifications, PasswordResetRequests, PasswordResets
from account.sessions.messages import tokens_to_proto
from kit.rpc import Call


class OrderLinksRpc:
    """Serves the links of guests."""

    def __init__(self, links: OrderLinks, requests: OrderLinkRequests) -> None:
        self._links = links
        self._requests = requests

    async def open_order_link(
        self, request: guest_pb.OpenOrderLinkRequest, call: Call
    ) -> guest_pb.OpenOrderLinkResponse:
        """Public; the link identifies the guest."""
        result = await self._links.open(request.token, call.address)
        account, tokens = account_to_proto(result.account), tokens_to_proto(result)
        return guest_pb.OpenOrderLinkResponse(account=account, tokens=tokens)

    async def request_order_link(
        self, request: guest_pb.RequestOrderLinkRequest, call: Call
    ) -> guest_pb.RequestOrderLinkResponse:
        """Public."""
        await self._requests.request(request.number, request.email, call.address)
        return guest_pb.RequestOrderLinkResponse()


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
