"""The account service."""

from collections.abc import Mapping, Sequence

import strawberry
from souk.account.v1 import account_pb2 as account
from souk.account.v1 import account_service_pb2 as pb

from gateway.peers.values import given, instant, or_blank, page, page_size, text_or_none
from gateway.schema.account import (
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
from kit.identity import Identity
from kit.rpc import Peer


class Accounts(Peer):
    """Accounts and sessions."""

    def __init__(self, address: str, identity: Identity | None = None) -> None:
        super().__init__(address, pb.DESCRIPTOR.services_by_name["AccountService"], identity)

    async def register(self, wanted: RegisterInput) -> AuthPayload:
        """Register."""
        request = pb.RegisterRequest(
            name=wanted.name, email=wanted.email, password=wanted.password, phone=wanted.phone or ""
        )
        answer = await self._call("Register", request, pb.RegisterResponse)
        return _signed_in(answer.account, answer.tokens, answer.device_token)

    async def login(self, wanted: LoginInput) -> AuthPayload:
        """Login."""
        request = pb.LoginRequest(
            email=wanted.email, password=wanted.password, device_token=wanted.device_token or ""
        )
        answer = await self._call("Login", request, pb.LoginResponse)
        return _signed_in(answer.account, answer.tokens, answer.device_token)

    async def get(self, account_id: str) -> Account:
        """GetAccount."""
        request = pb.GetAccountRequest(account_id=account_id)
        return _account((await self._call("GetAccount", request, pb.GetAccountResponse)).account)

    async def batch_get(self, ids: Sequence[str]) -> Mapping[str, Account]:
        """BatchGetAccounts, by id."""
        request = pb.BatchGetAccountsRequest(account_ids=ids)
        answer = await self._call("BatchGetAccounts", request, pb.BatchGetAccountsResponse)
        return {found.id: _account(found) for found in answer.accounts}

    async def refresh(self, refresh_token: str) -> AuthPayload:
        """RefreshTokens."""
        request = pb.RefreshTokensRequest(refresh_token=refresh_token)
        answer = await self._call("RefreshTokens", request, pb.RefreshTokensResponse)
        return _signed_in(answer.account, answer.tokens)

    async def logout(self, refresh_token: str | None) -> None:
        """Logout."""
        request = pb.LogoutRequest(refresh_token=refresh_token or "")
        await self._call("Logout", request, pb.LogoutResponse)

    async def update_profile(self, wanted: UpdateProfileInput) -> Account:
        """UpdateProfile. A name of null is an empty one, which is refused."""
        request = pb.UpdateProfileRequest()
        if given(wanted.name):
            request.name = wanted.name or ""
        if given(wanted.phone):
            request.phone = wanted.phone or ""
        return _account((await self._call("UpdateProfile", request, pb.UpdateProfileResponse)).account)

    async def change_password(self, current: str, new: str) -> AuthPayload:
        """ChangePassword."""
        request = pb.ChangePasswordRequest(current_password=current, new_password=new)
        answer = await self._call("ChangePassword", request, pb.ChangePasswordResponse)
        return _signed_in(answer.account, answer.tokens)

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
        return _account((await self._call("VerifyEmail", request, pb.VerifyEmailResponse)).account)

    async def delete(self, password: str) -> None:
        """DeleteAccount."""
        request = pb.DeleteAccountRequest(password=password)
        await self._call("DeleteAccount", request, pb.DeleteAccountResponse)

    async def erase(self, account_id: str, reason: str) -> None:
        """EraseAccount."""
        request = pb.EraseAccountRequest(account_id=account_id, reason=reason)
        await self._call("EraseAccount", request, pb.EraseAccountResponse)

    async def set_role(self, account_id: str, role: Role) -> Account:
        """SetAccountRole."""
        request = pb.SetAccountRoleRequest(account_id=account_id, role="ROLE_" + role.name)
        return _account((await self._call("SetAccountRole", request, pb.SetAccountRoleResponse)).account)

    async def list(
        self, query: str | None, first: int | None, after: str | None, count: bool
    ) -> AccountConnection:
        """ListAccounts."""
        request = pb.ListAccountsRequest(
            query=query or "", page_size=page_size(first), page_token=after or "", count_total=count
        )
        answer = await self._call("ListAccounts", request, pb.ListAccountsResponse)
        edges = [AccountEdge(cursor=entry.cursor, node=_account(entry.account)) for entry in answer.entries]
        total = answer.total_count if answer.HasField("total_count") else None
        return AccountConnection(**page(edges, has_next=answer.has_next_page, after=after), total_count=total)

    async def audit(
        self,
        account_id: str | None,
        subject_id: str | None,
        first: int | None,
        after: str | None,
        count: bool,
    ) -> AuditEventConnection:
        """ListAuditEvents."""
        request = pb.ListAuditEventsRequest(
            account_id=or_blank(account_id),
            subject_id=or_blank(subject_id),
            page_size=page_size(first),
            page_token=after or "",
            count_total=count,
        )
        answer = await self._call("ListAuditEvents", request, pb.ListAuditEventsResponse)
        edges = [
            AuditEventEdge(cursor=entry.cursor, node=_event(entry.audit_event)) for entry in answer.entries
        ]
        total = answer.total_count if answer.HasField("total_count") else None
        return AuditEventConnection(
            **page(edges, has_next=answer.has_next_page, after=after), total_count=total
        )


def _event(message: pb.AuditEvent) -> AuditEvent:
    return AuditEvent(
        id=strawberry.ID(message.id),
        at=instant(message.create_time),
        action=message.action,
        actor_id=strawberry.ID(message.actor_id) if message.actor_id else None,
        subject_id=strawberry.ID(message.subject_id) if message.subject_id else None,
        address=text_or_none(message.address),
        detail=text_or_none(message.detail),
    )


def _account(message: account.Account) -> Account:
    return Account(
        id=strawberry.ID(message.id),
        name=message.name,
        email=message.email,
        email_verified=message.email_verified,
        phone=text_or_none(message.phone),
        role=Role[account.Role.Name(message.role).removeprefix("ROLE_")],
        created_at=instant(message.create_time),
        updated_at=instant(message.update_time),
    )


def _signed_in(message: account.Account, tokens: account.Tokens, device_token: str = "") -> AuthPayload:
    return AuthPayload(
        account=_account(message),
        access_token=tokens.access_token,
        access_token_expires_at=instant(tokens.access_token_expire_time),
        refresh_token=tokens.refresh_token,
        refresh_token_expires_at=instant(tokens.refresh_token_expire_time),
        device_token=text_or_none(device_token),
    )
