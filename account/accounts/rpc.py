"""The RPCs of profiles, roles and deletion."""

from typing import Final

from souk.account.v1 import account_service_pb2 as pb

from account.accounts.deletion import Deletions
from account.accounts.domain import Profile
from account.accounts.messages import account_to_proto, erasure_from_proto, role_change_from_proto
from account.accounts.roles import Roles
from account.accounts.use_cases import Accounts
from kit.errors import InvalidArgument, Violation
from kit.rpc import Call
from kit.values import ACCOUNT

_MAX_BATCH_SIZE: Final = 100


class AccountsRpc:
    """Serves accounts."""

    def __init__(self, accounts: Accounts, roles: Roles, deletions: Deletions) -> None:
        self._accounts = accounts
        self._roles = roles
        self._deletions = deletions

    async def get_account(self, request: pb.GetAccountRequest, call: Call) -> pb.GetAccountResponse:
        """For the owner and an ADMIN."""
        caller = call.require_principal()
        account_id = ACCOUNT.parse(request.account_id, "id")
        return pb.GetAccountResponse(account=account_to_proto(await self._accounts.get(account_id, caller)))

    async def batch_get_accounts(
        self, request: pb.BatchGetAccountsRequest, call: Call
    ) -> pb.BatchGetAccountsResponse:
        """Omits accounts that the caller has no access to."""
        caller = call.require_principal()
        if len(request.account_ids) > _MAX_BATCH_SIZE:
            rule = f"must name at most {_MAX_BATCH_SIZE}"
            raise InvalidArgument(f"account_ids: {rule}", fields=[Violation(("account_ids",), rule)])
        ids = [ACCOUNT.parse(text, "account_ids", index) for index, text in enumerate(request.account_ids)]
        accounts = await self._accounts.get_many(ids, caller)
        return pb.BatchGetAccountsResponse(accounts=map(account_to_proto, accounts))

    async def update_profile(self, request: pb.UpdateProfileRequest, call: Call) -> pb.UpdateProfileResponse:
        """For the owner."""
        caller = call.require_principal()
        profile = Profile.read(
            name=request.name if request.HasField("name") else None,
            phone=request.phone if request.HasField("phone") else None,
        )
        account = await self._accounts.update_profile(caller, profile, call.address)
        return pb.UpdateProfileResponse(account=account_to_proto(account))

    async def set_account_role(
        self, request: pb.SetAccountRoleRequest, call: Call
    ) -> pb.SetAccountRoleResponse:
        """For an ADMIN."""
        caller = call.require_admin()
        account_id, role = role_change_from_proto(request)
        account = await self._roles.set_role(caller, account_id, role, call.address)
        return pb.SetAccountRoleResponse(account=account_to_proto(account))

    async def delete_account(self, request: pb.DeleteAccountRequest, call: Call) -> pb.DeleteAccountResponse:
        """For the owner."""
        await self._deletions.delete(call.require_principal(), request.password, call.address)
        return pb.DeleteAccountResponse()

    async def erase_account(self, request: pb.EraseAccountRequest, call: Call) -> pb.EraseAccountResponse:
        """For an ADMIN."""
        caller = call.require_admin()
        account_id, reason = erasure_from_proto(request)
        await self._deletions.erase(caller, account_id, reason, call.address)
        return pb.EraseAccountResponse()
