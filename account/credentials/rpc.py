"""The RPCs of registration and passwords."""

from souk.account.v1 import account_service_pb2 as pb

from account.accounts.messages import account_to_proto
from account.credentials.registration import Registrations
from account.credentials.use_cases import Logins, PasswordChanges
from account.sessions.messages import tokens_to_proto
from kit.rpc import Call


class CredentialsRpc:
    """Serves registration and passwords."""

    def __init__(self, registrations: Registrations, logins: Logins, changes: PasswordChanges) -> None:
        self._registrations = registrations
        self._logins = logins
        self._changes = changes

    async def register(self, request: pb.RegisterRequest, call: Call) -> pb.RegisterResponse:
        """Public."""
        result = await self._registrations.register(
            name=request.name,
            email=request.email,
            phone=request.phone,
            password=request.password,
            address=call.address,
            guest_token=request.guest_token,
        )
        return pb.RegisterResponse(
            account=account_to_proto(result.account),
            tokens=tokens_to_proto(result),
            device_token=result.device_token,
        )

    async def login(self, request: pb.LoginRequest, call: Call) -> pb.LoginResponse:
        """Public."""
        result = await self._logins.login(
            email=request.email,
            password=request.password,
            address=call.address,
            device_token=request.device_token,
        )
        return pb.LoginResponse(
            account=account_to_proto(result.account),
            tokens=tokens_to_proto(result),
            device_token=result.device_token,
        )

    async def change_password(
        self, request: pb.ChangePasswordRequest, call: Call
    ) -> pb.ChangePasswordResponse:
        """For the owner."""
        result = await self._changes.change_password(
            call.require_principal(),
            current=request.current_password,
            new=request.new_password,
            address=call.address,
        )
        return pb.ChangePasswordResponse(
            account=account_to_proto(result.account), tokens=tokens_to_proto(result)
        )
