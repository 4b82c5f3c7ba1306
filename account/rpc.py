"""AccountService: message in, use case, message out. Nothing is decided here but who may ask."""

from souk.account.v1 import account_service_pb2
from souk.account.v1 import account_service_pb2 as pb

from account.credential_use_cases import Credentials
from account.domain import Profile
from account.link_use_cases import Links
from account.messages import (
    ROLES,
    account_to_proto,
    audit_filter_from_proto,
    audited_to_proto,
    erasure_from_proto,
    page_from_proto,
    query_from_proto,
    role_change_from_proto,
    tokens_to_proto,
)
from account.session_use_cases import Sessions
from account.use_cases import Accounts
from kit.auth import TokenVerifier
from kit.errors import InvalidArgument, Violation
from kit.rpc import Call
from kit.values import ACCOUNT, encode_position

_BATCH_MOST = 100


class AccountRpc:
    """The servicer."""

    service = account_service_pb2.DESCRIPTOR.services_by_name["AccountService"]

    def __init__(
        self,
        accounts: Accounts,
        credentials: Credentials,
        links: Links,
        sessions: Sessions,
        verifier: TokenVerifier,
    ) -> None:
        self._accounts = accounts
        self._credentials = credentials
        self._links = links
        self._sessions = sessions
        self._verifier = verifier

    async def register(self, request: pb.RegisterRequest, call: Call) -> pb.RegisterResponse:
        """Open to all."""
        signed_in = await self._accounts.register(
            name=request.name,
            email=request.email,
            phone=request.phone,
            password=request.password,
            address=call.address,
        )
        return pb.RegisterResponse(
            account=account_to_proto(signed_in.account),
            tokens=tokens_to_proto(signed_in),
            device_token=signed_in.device_token,
        )

    async def login(self, request: pb.LoginRequest, call: Call) -> pb.LoginResponse:
        """Open to all."""
        signed_in = await self._credentials.login(
            email=request.email,
            password=request.password,
            address=call.address,
            device_token=request.device_token,
        )
        return pb.LoginResponse(
            account=account_to_proto(signed_in.account),
            tokens=tokens_to_proto(signed_in),
            device_token=signed_in.device_token,
        )

    async def get_account(self, request: pb.GetAccountRequest, call: Call) -> pb.GetAccountResponse:
        """For the owner and ADMIN."""
        caller = call.require_principal()
        account_id = ACCOUNT.parse(request.account_id, "account_id")
        return pb.GetAccountResponse(account=account_to_proto(await self._accounts.get(account_id, caller)))

    async def batch_get_accounts(
        self, request: pb.BatchGetAccountsRequest, call: Call
    ) -> pb.BatchGetAccountsResponse:
        """Those that the caller may see."""
        caller = call.require_principal()
        if len(request.account_ids) > _BATCH_MOST:
            rule = f"must name at most {_BATCH_MOST}"
            raise InvalidArgument(f"account_ids: {rule}", fields=[Violation(("account_ids",), rule)])
        ids = [ACCOUNT.parse(text, "account_ids", index) for index, text in enumerate(request.account_ids)]
        found = await self._accounts.get_many(ids, caller)
        return pb.BatchGetAccountsResponse(accounts=map(account_to_proto, found))

    async def verify_token(self, request: pb.VerifyTokenRequest, call: Call) -> pb.VerifyTokenResponse:
        """For other services: the token says who it is about."""
        principal = await self._verifier.verify(request.access_token)
        role = await self._sessions.current_role(principal)
        return pb.VerifyTokenResponse(account_id=ACCOUNT.format(principal.account_id), role=ROLES[role])

    async def refresh_tokens(self, request: pb.RefreshTokensRequest, call: Call) -> pb.RefreshTokensResponse:
        """Open to all: the token says who asks."""
        signed_in = await self._sessions.refresh(request.refresh_token, call.address)
        return pb.RefreshTokensResponse(
            account=account_to_proto(signed_in.account), tokens=tokens_to_proto(signed_in)
        )

    async def logout(self, request: pb.LogoutRequest, call: Call) -> pb.LogoutResponse:
        """For whoever holds either token."""
        await self._sessions.logout(call.principal, request.refresh_token, call.address)
        return pb.LogoutResponse()

    async def update_profile(self, request: pb.UpdateProfileRequest, call: Call) -> pb.UpdateProfileResponse:
        """For the owner."""
        caller = call.require_principal()
        profile = Profile.read(
            name=request.name if request.HasField("name") else None,
            phone=request.phone if request.HasField("phone") else None,
        )
        changed = await self._accounts.update_profile(caller, profile, call.address)
        return pb.UpdateProfileResponse(account=account_to_proto(changed))

    async def change_password(
        self, request: pb.ChangePasswordRequest, call: Call
    ) -> pb.ChangePasswordResponse:
        """For the owner."""
        signed_in = await self._credentials.change_password(
            call.require_principal(),
            current=request.current_password,
            new=request.new_password,
            address=call.address,
        )
        return pb.ChangePasswordResponse(
            account=account_to_proto(signed_in.account), tokens=tokens_to_proto(signed_in)
        )

    async def request_password_reset(
        self, request: pb.RequestPasswordResetRequest, call: Call
    ) -> pb.RequestPasswordResetResponse:
        """Open to all."""
        await self._links.request_password_reset(request.email, call.address)
        return pb.RequestPasswordResetResponse()

    async def reset_password(self, request: pb.ResetPasswordRequest, call: Call) -> pb.ResetPasswordResponse:
        """Open to all: the link says who asks."""
        await self._links.reset_password(request.token, request.new_password, call.address)
        return pb.ResetPasswordResponse()

    async def request_email_verification(
        self, request: pb.RequestEmailVerificationRequest, call: Call
    ) -> pb.RequestEmailVerificationResponse:
        """For the owner."""
        await self._links.request_email_verification(call.require_principal(), call.address)
        return pb.RequestEmailVerificationResponse()

    async def verify_email(self, request: pb.VerifyEmailRequest, call: Call) -> pb.VerifyEmailResponse:
        """Open to all: the link says who asks."""
        proven = await self._links.verify_email(request.token, call.address)
        return pb.VerifyEmailResponse(account=account_to_proto(proven))

    async def delete_account(self, request: pb.DeleteAccountRequest, call: Call) -> pb.DeleteAccountResponse:
        """For the owner."""
        await self._accounts.delete(call.require_principal(), request.password, call.address)
        return pb.DeleteAccountResponse()

    async def erase_account(self, request: pb.EraseAccountRequest, call: Call) -> pb.EraseAccountResponse:
        """For ADMIN."""
        caller = call.require_admin()
        account_id, reason = erasure_from_proto(request)
        await self._accounts.erase(caller, account_id, reason, call.address)
        return pb.EraseAccountResponse()

    async def set_account_role(
        self, request: pb.SetAccountRoleRequest, call: Call
    ) -> pb.SetAccountRoleResponse:
        """For ADMIN."""
        caller = call.require_admin()
        account_id, role = role_change_from_proto(request)
        changed = await self._accounts.set_role(caller, account_id, role, call.address)
        return pb.SetAccountRoleResponse(account=account_to_proto(changed))

    async def list_accounts(self, request: pb.ListAccountsRequest, call: Call) -> pb.ListAccountsResponse:
        """For ADMIN."""
        call.require_admin()
        query = query_from_proto(request)
        scope = f"accounts {query}"
        after, size = page_from_proto(request, scope)
        page = await self._accounts.search(query, after, size, count=request.count_total)
        entries = [
            pb.ListAccountsResponse.Entry(
                account=account_to_proto(found), cursor=encode_position(scope, found.create_time, found.id)
            )
            for found in page.items
        ]
        return pb.ListAccountsResponse(entries=entries, has_next_page=page.has_next, total_count=page.total)

    async def list_audit_events(
        self, request: pb.ListAuditEventsRequest, call: Call
    ) -> pb.ListAuditEventsResponse:
        """For ADMIN."""
        call.require_admin()
        which = audit_filter_from_proto(request)
        after, size = page_from_proto(request, repr(which))
        page = await self._accounts.audit_events(which, after, size, count=request.count_total)
        entries = [
            pb.ListAuditEventsResponse.Entry(
                audit_event=audited_to_proto(found), cursor=encode_position(repr(which), found.time, found.id)
            )
            for found in page.items
        ]
        return pb.ListAuditEventsResponse(
            entries=entries, has_next_page=page.has_next, total_count=page.total
        )
