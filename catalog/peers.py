"""The account service, as the catalog calls it: pb <-> domain. Deadlines and retries are data beside the contract."""

from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as pb

from kit.auth import Role
from kit.rpc import Channel


class Accounts:
    """`ports.Accounts` over gRPC; a resource, as its channel is."""

    name = "account"

    def __init__(self, address: str) -> None:
        self._channel = Channel(address, pb.DESCRIPTOR.services_by_name["AccountService"])

    async def open(self) -> None:
        """Opens the channel."""
        await self._channel.open()

    async def close(self) -> None:
        """Closes the channel."""
        await self._channel.close()

    async def ping(self) -> None:
        """Raises unless the account service serves."""
        await self._channel.ping()

    async def role(self, access_token: str) -> Role:
        """VerifyToken."""
        request = pb.VerifyTokenRequest(access_token=access_token)
        answer = await self._channel.call("VerifyToken", request, pb.VerifyTokenResponse)
        return Role(account_pb2.Role.Name(answer.role).removeprefix("ROLE_"))
