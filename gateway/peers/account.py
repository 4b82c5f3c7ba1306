"""The account service."""

from collections.abc import Mapping, Sequence

import strawberry
from souk.account.v1 import account_pb2 as account
from souk.account.v1 import account_service_pb2 as pb

from gateway.types.account import (
    Account,
    AccountConnection,
    AccountEdge,
    AuditEvent,
    AuditEventConnection,
    AuditEventEdge,
    AuthPayload,
    LoginInput,
    RegisterInput,
    Role,
    UpdateProfileInput,
)
from kit.graphql import PageRequest
from kit.graphql.conversions import id_or_none, instant, is_set, or_blank, text_or_none
from kit.graphql.paging import connection
from kit.identity import Identity
from kit.rpc import Peer


class Accounts(Peer):
    """Accounts and sessions."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["AccountService"], identity)

    async def register(self, input: RegisterInput) -> AuthPayload:
        """Register."""
        request = pb.RegisterRequest(
            name=input.name,
            email=input.email,
            password=input.password,
            phone=input.phone or "",
            guest_token=input.guest_token or "",
        )
        response = await self._call("Register", request, pb.RegisterResponse)
        return auth_payload(response.account, response.tokens, response.device_token)

    async def login(self, input: LoginInput) -> AuthPayload:
        """Login."""
        request = pb.LoginRequest(
            email=input.email, password=input.password, device_token=input.device_token or ""
        )
        response = await self._call("Login", request, pb.LoginResponse)
        return auth_payload(response.account, response.tokens, response.device_token)

    async def get(self, account_id: str) -> Account:
        """GetAccount."""
        request = pb.GetAccountRequest(account_id=account_id)
        return account_of((await self._call("GetAccount", request, pb.GetAccountResponse)).account)

    async def batch_get(self, ids: Sequence[str]) -> Mapping[str, Account]:
        """BatchGetAccounts, by id."""
        request = pb.BatchGetAccountsRequest(account_ids=ids)
        response = await self._call("BatchGetAccounts", request, pb.BatchGetAccountsResponse)
        return {message.id: account_of(message) for message in response.accounts}

    async def refresh(self, refresh_token: str) -> AuthPayload:
        """RefreshTokens."""
        request = pb.RefreshTokensRequest(refresh_token=refresh_token)
        response = await self._call("RefreshTokens", request, pb.RefreshTokensResponse)
        return auth_payload(response.account, response.tokens)

    async def logout(self, refresh_token: str | None) -> None:
        """Logout."""
        request = pb.LogoutRequest(refresh_token=refresh_token or "")
        await self._call("Logout", request, pb.LogoutResponse)

    async def update_profile(self, input: UpdateProfileInput) -> Account:
        """UpdateProfile. A name of null becomes empty, which the service rejects."""
        request = pb.UpdateProfileRequest()
        if is_set(input.name):
            request.name = input.name or ""
        if is_set(input.phone):
            request.phone = input.phone or ""
        return account_of((await self._call("UpdateProfile", request, pb.UpdateProfileResponse)).account)

    async def change_password(self, current: str, new: str) -> AuthPayload:
        """ChangePassword."""
        request = pb.ChangePasswordRequest(current_password=current, new_password=new)
        response = await self._call("ChangePassword", request, pb.ChangePasswordResponse)
        return auth_payload(response.account, response.tokens)

    async def request_password_reset(self, email: str) -> None:
        """RequestPasswordReset."""
        request = pb.RequestPasswordResetRequest(email=email)
        await self._call("RequestPasswordReset", request, pb.RequestPasswordResetResponse)

    async def reset_password(self, token: str, new: str) -> None:
        """ResetPassword."""
        request = pb.ResetPasswordRequest(token=token, new_password=new)
        await self._call("ResetPassword", request, pb.ResetPasswordResponse)

    async def request_email_verification(self) -> None:
        """RequestEmailVerification."""
        request = pb.RequestEmailVerificationRequest()
        await self._call("RequestEmailVerification", request, pb.RequestEmailVerificationResponse)

    async def verify_email(self, token: str) -> Account:
        """VerifyEmail."""
        request = pb.VerifyEmailRequest(token=token)
        return account_of((await self._call("VerifyEmail", request, pb.VerifyEmailResponse)).account)

    async def delete(self, password: str | None) -> None:
        """DeleteAccount."""
        request = pb.DeleteAccountRequest(password=password or "")
        await self._call("DeleteAccount", request, pb.DeleteAccountResponse)

    async def erase(self, account_id: str, reason: str) -> None:
        """EraseAccount."""
        request = pb.EraseAccountRequest(account_id=account_id, reason=reason)
        await self._call("EraseAccount", request, pb.EraseAccountResponse)

    async def set_role(self, account_id: str, role: Role) -> Account:
        """SetAccountRole."""
        request = pb.SetAccountRoleRequest(account_id=account_id, role="ROLE_" + role.name)
        return account_of((await self._call("SetAccountRole", request, pb.SetAccountRoleResponse)).account)

    async def list(self, query: str | None, page: PageRequest) -> AccountConnection:
        """ListAccounts."""
        request = pb.ListAccountsRequest(
            query=query or "", page_size=page.size, page_token=page.token, count_total=page.count
        )
        response = await self._call("ListAccounts", request, pb.ListAccountsResponse)
        edges = [
            AccountEdge(cursor=entry.cursor, node=account_of(entry.account)) for entry in response.entries
        ]
        return connection(AccountConnection, edges, response, page.token)

    async def audit(
        self, account_id: str | None, subject_id: str | None, page: PageRequest
    ) -> AuditEventConnection:
        """ListAuditEvents."""
        request = pb.ListAuditEventsRequest(
            account_id=or_blank(account_id),
            subject_id=or_blank(subject_id),
            page_size=page.size,
            page_token=page.token,
            count_total=page.count,
        )
        response = await self._call("ListAuditEvents", request, pb.ListAuditEventsResponse)
        edges = [
            AuditEventEdge(cursor=entry.cursor, node=_audit_event(entry.audit_event))
            for entry in response.entries
        ]
        return connection(AuditEventConnection, edges, response, page.token)


def _audit_event(message: pb.AuditEvent) -> AuditEvent:
    return AuditEvent(
        id=strawberry.ID(message.id),
        at=instant(message.create_time),
        action=message.action,
        actor_id=id_or_none(message.actor_id),
        subject_id=id_or_none(message.subject_id),
        address=text_or_none(message.address),
        detail=text_or_none(message.detail),
    )


def account_of(message: account.Account) -> Account:
    """The account of a message."""
    return Account(
        id=strawberry.ID(message.id),
        name=message.name,
        email=message.email,
        email_verified=message.email_verified,
        phone=text_or_none(message.phone),
        role=Role[account.Role.Name(message.role).removeprefix("ROLE_")],
        created_at=instant(message.create_time),
        updated_at=instant(message.update_time),
        guest=message.guest,
    )


def auth_payload(message: account.Account, tokens: account.Tokens, device_token: str = "") -> AuthPayload:
    """The account and tokens of a response."""
    return AuthPayload(
        account=account_of(message),
        access_token=tokens.access_token,
        access_token_expires_at=instant(tokens.access_token_expire_time),
        refresh_token=tokens.refresh_token,
        refresh_token_expires_at=instant(tokens.refresh_token_expire_time),
        device_token=text_or_none(device_token),
    )
