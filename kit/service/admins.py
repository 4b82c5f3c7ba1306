"""Asks the account service whether a token's account is an ADMIN now: the token says what was true when it was signed.

For what an ADMIN changes, at each call (guarantees, Security). Whoever only reads is believed for as long as the token lasts.
"""

from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as pb

from kit.auth import Principal
from kit.errors import PermissionDenied
from kit.rpc import Channel


class Admins:
    """A resource, as its channel is."""

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

    async def confirm(self, caller: Principal) -> None:
        """Raises PermissionDenied unless the caller is an ADMIN now, Unauthenticated when the session has ended."""
        request = pb.VerifyTokenRequest(access_token=caller.token)
        answer = await self._channel.call("VerifyToken", request, pb.VerifyTokenResponse)
        if answer.role != account_pb2.ROLE_ADMIN:
            raise PermissionDenied("only for ADMIN", reason="ADMIN_ONLY")
