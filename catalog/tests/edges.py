"""What stands at the service's edges in tests: tokens, the account service as its contract says, and a client that calls as anybody."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

from souk.account.v1 import account_pb2
from souk.account.v1 import account_service_pb2 as account_pb

from kit.auth import Principal, Role
from kit.rpc import Call, Channel, current_call


class Tokens:
    """Any account's name is its token."""

    def __init__(self) -> None:
        self.known: dict[str, Principal] = {}

    def caller(self, role: Role) -> Principal:
        """A fresh account that is signed in."""
        account_id = uuid4()
        principal = Principal(account_id, role, uuid4(), str(account_id))
        self.known[principal.token] = principal
        return principal

    async def verify(self, token: str) -> Principal:
        """The account of a token."""
        return replace(self.known[token], token=token)


class AccountRpc:
    """An account service that knows everybody as an admin; its other RPCs are not the catalog's business."""

    service = account_pb.DESCRIPTOR.services_by_name["AccountService"]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        async def unasked(request: Any, call: Call) -> Any:
            raise AssertionError(f"the catalog called {name}")

        return unasked

    async def verify_token(self, request: Any, call: Call) -> account_pb.VerifyTokenResponse:
        """VerifyToken."""
        return account_pb.VerifyTokenResponse(role=account_pb2.ROLE_ADMIN)


async def call(channel: Channel, caller: Principal | None, method: str, request: Any, response: Any) -> Any:
    """Calls as somebody, or as nobody."""
    token = current_call.set(Call(principal=caller))
    try:
        return await channel.call(method, request, response)
    finally:
        current_call.reset(token)
