"""A fake of the account service, as its contract says."""

from typing import Any

from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as account

from gateway.tests.fakes.recorder import NOW, Recorder
from kit.errors import Unauthenticated
from kit.rpc import Call
from kit.testing.contracts import UnimplementedServicer
from kit.values import ACCOUNT

TOKENS = account_pb2.Tokens(
    access_token="a", refresh_token="r", access_token_expire_time=NOW, refresh_token_expire_time=NOW
)


def one_account(account_id: str) -> account_pb2.Account:
    return account_pb2.Account(
        id=account_id,
        name="John Doe",
        email="john@example.com",
        role=account_pb2.ROLE_USER,
        create_time=NOW,
        update_time=NOW,
    )


class AccountRpc(UnimplementedServicer):
    service = account.DESCRIPTOR.services_by_name["AccountService"]

    def __init__(self, recorder: Recorder) -> None:
        self._record = recorder.record
        self._takes_its_time = recorder.takes_its_time

    async def register(self, request: Any, call: Call) -> account.RegisterResponse:
        self._record("Register", request, call)
        made = one_account(ACCOUNT.format(ACCOUNT.new()))
        made.name, made.email = request.name, request.email
        return account.RegisterResponse(account=made, tokens=TOKENS, device_token="d")

    async def login(self, request: Any, call: Call) -> account.LoginResponse:
        self._record("Login", request, call)
        raise Unauthenticated("email or password is wrong", reason="BAD_CREDENTIALS")

    async def get_account(self, request: Any, call: Call) -> account.GetAccountResponse:
        self._record("GetAccount", request, call)
        await self._takes_its_time()
        return account.GetAccountResponse(account=one_account(request.account_id))

    async def batch_get_accounts(self, request: Any, call: Call) -> account.BatchGetAccountsResponse:
        self._record("BatchGetAccounts", request, call)
        return account.BatchGetAccountsResponse(accounts=map(one_account, request.account_ids))

    async def refresh_tokens(self, request: Any, call: Call) -> account.RefreshTokensResponse:
        self._record("RefreshTokens", request, call)
        return account.RefreshTokensResponse(account=one_account("acc_1"), tokens=TOKENS)

    async def logout(self, request: Any, call: Call) -> account.LogoutResponse:
        self._record("Logout", request, call)
        return account.LogoutResponse()

    async def update_profile(self, request: Any, call: Call) -> account.UpdateProfileResponse:
        self._record("UpdateProfile", request, call)
        changed = one_account(ACCOUNT.format(call.require_principal().account_id))
        changed.name = request.name or changed.name
        changed.phone = request.phone
        return account.UpdateProfileResponse(account=changed)

    async def change_password(self, request: Any, call: Call) -> account.ChangePasswordResponse:
        self._record("ChangePassword", request, call)
        return account.ChangePasswordResponse(account=one_account("acc_1"), tokens=TOKENS)

    async def request_password_reset(self, request: Any, call: Call) -> account.RequestPasswordResetResponse:
        self._record("RequestPasswordReset", request, call)
        return account.RequestPasswordResetResponse()

    async def reset_password(self, request: Any, call: Call) -> account.ResetPasswordResponse:
        self._record("ResetPassword", request, call)
        return account.ResetPasswordResponse()

    async def request_email_verification(
        self, request: Any, call: Call
    ) -> account.RequestEmailVerificationResponse:
        self._record("RequestEmailVerification", request, call)
        return account.RequestEmailVerificationResponse()

    async def verify_email(self, request: Any, call: Call) -> account.VerifyEmailResponse:
        self._record("VerifyEmail", request, call)
        proven = one_account("acc_1")
        proven.email_verified = True
        return account.VerifyEmailResponse(account=proven)

    async def delete_account(self, request: Any, call: Call) -> account.DeleteAccountResponse:
        self._record("DeleteAccount", request, call)
        return account.DeleteAccountResponse()

    async def erase_account(self, request: Any, call: Call) -> account.EraseAccountResponse:
        self._record("EraseAccount", request, call)
        return account.EraseAccountResponse()

    async def set_account_role(self, request: Any, call: Call) -> account.SetAccountRoleResponse:
        self._record("SetAccountRole", request, call)
        changed = one_account(request.account_id)
        changed.role = request.role
        return account.SetAccountRoleResponse(account=changed)

    async def list_accounts(self, request: Any, call: Call) -> account.ListAccountsResponse:
        self._record("ListAccounts", request, call)
        size = request.page_size or 20
        ids = [ACCOUNT.format(ACCOUNT.new()) for _ in range(size)]
        entries = [account.ListAccountsResponse.Entry(account=one_account(id_), cursor=id_) for id_ in ids]
        total = 1000 if request.count_total else None
        return account.ListAccountsResponse(entries=entries, has_next_page=True, total_count=total)

    async def list_audit_events(self, request: Any, call: Call) -> account.ListAuditEventsResponse:
        self._record("ListAuditEvents", request, call)
        event = account.AuditEvent(id="aud_1", create_time=NOW, action="account.login", address="192.0.2.1")
        entry = account.ListAuditEventsResponse.Entry(audit_event=event, cursor="c")
        return account.ListAuditEventsResponse(entries=[entry] * (request.page_size or 20))

    async def verify_token(self, request: Any, call: Call) -> account.VerifyTokenResponse:
        raise AssertionError("the gateway verifies tokens itself")
